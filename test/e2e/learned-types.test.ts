/** Types learned from the results of a real MCP server, through a real gateway and a store on disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
import { createGateway } from "../../src/gateway.ts";
import { createHttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/log.ts";
import { until } from "../helpers/until.ts";

const MINUTE = 60_000;
const SERVER = join(import.meta.dirname, "../fixtures/mcp/answers-in-every-shape.ts");

interface TestGateway extends AsyncDisposable {
  /** The declarations, with what was observed, as the owner of the key reads them. */
  observed(key?: string): Promise<string>;
  plain(): Promise<string>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  post(path: string, body: unknown, key?: string): Promise<any>;
  text(path: string): Promise<string>;
  /** `shapes/echo` gives `{ arguments }`. */
  echo(args: unknown, key?: string): Promise<void>;
}

let folder: string;
let clock = Date.now();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "toolarium-learned-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function open(settings: {
  readonly store: string;
  readonly learn?: boolean;
  readonly outputSchemas?: object;
}): Promise<TestGateway> {
  const { config } = configFrom({
    mcpServers: { shapes: { command: process.execPath, args: [SERVER] } },
    tools: {
      autoExecute: ["shapes/echo", "shapes/json_text", "shapes/is_error"],
      outputSchemas: settings.outputSchemas ?? {},
    },
    declarations: { learn: settings.learn ?? true },
    keys: ["ann", "bob"].map((name) => ({ name, key: name, may: ["run", "decide"] })),
    sandbox: { workers: 1 },
    store: { path: settings.store },
    server: { port: 0 },
  });
  const gateway = await createGateway({ config, log: createLog("silent"), now: () => clock });
  await gateway.hub.settled;
  const http = await createHttpServer(gateway);
  const { url } = await http.listen();
  const send = async (path: string, body: unknown, key: string): Promise<Response> =>
    fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
  const text = async (path: string, key: string): Promise<string> =>
    (await send(path, undefined, key)).text();
  const post: TestGateway["post"] = async (path, body, key = "ann") => (await send(path, body, key)).json();
  return {
    observed: (key = "ann") => text("/v1/declarations?observed=true", key),
    plain: () => text("/v1/declarations", "ann"),
    post,
    text: (path) => text(path, "ann"),
    async echo(args, key) {
      const answer = await post("/v1/tools/shapes/echo", { arguments: args }, key);
      expect(answer).toEqual({ result: { arguments: args } });
    },
    async [Symbol.asyncDispose]() {
      await http.close(0);
      await gateway[Symbol.asyncDispose]();
    },
  };
}

const resultOf = (declarations: string, tool: string): string =>
  new RegExp(`\\b${tool}\\(.*?\\): Promise<(.*?)>;\\n`, "s").exec(declarations)?.[1]?.replace(/\s+/g, " ") ??
  "";

describe("a tool without an output schema", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await open({ store: ":memory:" });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const echoed = async (key?: string): Promise<string> => resultOf(await gateway.observed(key), "echo");
  const seen = (type: string): string => `/* observed */ { arguments: ${type} }`;

  test("is declared by what it gave in three calls, for whoever made them", async () => {
    const plain = await gateway.plain();
    await gateway.echo({ id: 1 });
    await gateway.echo({ id: 2 });
    expect(await gateway.observed()).toBe(plain);
    await gateway.echo({ id: 3 });
    await until("it was learned", async () => (await echoed()) === seen("{ id: number }"));
    expect(await gateway.observed("bob")).toBe(plain);
    expect(await gateway.plain()).toBe(plain);
    expect(plain).toContain("(result shape unknown)");
  });

  test("is declared anew no sooner than a minute later, and wider", async () => {
    for (const id of ["a", "b", "c"]) await gateway.echo({ id, name: `SECRET ${id}` });
    clock += MINUTE - 1;
    await gateway.post("/v1/sandbox/runs", { code: "return await shapes.json_text({})" });
    expect(await echoed()).toBe(seen("{ id: number }"));
    clock += 1;
    await until(
      "it is declared",
      async () => (await echoed()) === seen("{ id: string | number; name?: string }"),
    );
    expect(await gateway.observed()).not.toContain("SECRET");
  });

  test("never refuses a program: a field that was not seen is a warning, with the nearest one", async () => {
    const code = "const { arguments: got } = await shapes.echo({ id: 1, nam: 2 });\nreturn got.nam";
    const message = expect.stringContaining("Did you mean name?");
    const diagnostics = [{ severity: "warning", code: 2551, message, line: 2, column: 12 }];
    expect(await gateway.post("/v1/sandbox/check", { code })).toMatchObject({ ok: true, diagnostics });
    expect(await gateway.post("/v1/sandbox/runs", { code })).toMatchObject({
      status: "completed",
      result: 2,
      diagnostics,
    });
    expect(await gateway.post("/v1/sandbox/runs", { code }, "bob")).toMatchObject({
      status: "completed",
      diagnostics: [],
    });
  });

  test("is not learned from failures, nor from what a person supplied", async () => {
    const code = "return [await shapes.structured({}), await shapes.is_error({}).catch(({ kind }) => kind)]";
    for (let n = 0; n < 4; n += 1) {
      const waiting = await gateway.post("/v1/sandbox/runs", { code });
      const decision = { decision: "result", result: { supplied: true } };
      const report = await gateway.post(`/v1/runs/${waiting.id}/calls/${waiting.pending[0].call}`, decision);
      expect(report).toMatchObject({ status: "completed", result: [{ supplied: true }, "tool"] });
    }
    for (let n = 0; n < 3; n += 1) await gateway.post("/v1/tools/shapes/json_text", { arguments: {} });
    clock += MINUTE;
    await until("others were learned", async () =>
      /string/.test(resultOf(await gateway.observed(), "json_text")),
    );
    const declared = await gateway.observed();
    expect(resultOf(declared, "structured")).toBe("any");
    expect(resultOf(declared, "is_error")).toBe("any");
  });

  test("a run that waits goes on as it began, whatever was learned meanwhile", async () => {
    const code =
      "const got = await shapes.structured({});\nreturn [got.from, (await shapes.echo({ id: 9 })).arguments.id]";
    const waiting = await gateway.post("/v1/sandbox/runs", { code });
    expect(waiting).toMatchObject({ status: "waiting", diagnostics: [] });
    for (let n = 0; n < 3; n += 1) await gateway.post("/v1/tools/shapes/structured", { arguments: {} });
    clock += MINUTE;
    await until("it was learned", async () => resultOf(await gateway.observed(), "structured") !== "any");
    const next = await gateway.post("/v1/sandbox/runs", { code });
    const approve = { decision: "approve" };
    const report = await gateway.post(`/v1/runs/${waiting.id}/calls/${waiting.pending[0].call}`, approve);
    expect(report).toMatchObject({ status: "completed", result: ["structure", 9], diagnostics: [] });
    expect(next.status).toBe("waiting");
    const versions = await Promise.all([waiting, next].map(async ({ id }) => await versionOf(gateway, id)));
    expect(versions[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(versions[1]).not.toBe(versions[0]);
  });
});

describe("what was learned", () => {
  test("outlives the gateway, and is neither used nor gathered where learning is off", async () => {
    const store = join(folder, "learned.db");
    {
      await using first = await open({ store });
      for (const id of [1, 2, 3]) await first.echo({ id });
    }
    {
      await using off = await open({ store, learn: false });
      expect(await off.observed()).toBe(await off.plain());
      for (const name of ["a", "b", "c"]) await off.echo({ id: 4, name });
    }
    await using again = await open({ store });
    expect(resultOf(await again.observed(), "echo")).toBe("/* observed */ { arguments: { id: number } }");
    expect(resultOf(await again.observed("bob"), "echo")).toBe("any");
  }, 60_000);
});

describe("a schema that the operator attaches to a tool", () => {
  const files = { type: "object", properties: { files: { type: "array", items: { type: "string" } } } };
  const attached = { ...files, required: ["files"], additionalProperties: false };

  test("is declared and binding, and changes nothing about how results are read", async () => {
    await using gateway = await open({
      store: ":memory:",
      outputSchemas: { "shapes/json_text": attached, "shapes/echo": { type: "string" } },
    });
    const declared = await gateway.plain();
    expect(resultOf(declared, "json_text")).toBe("{ files: string[] }");
    const listed: { data: { id: string; outputSchema: unknown }[] } = JSON.parse(
      await gateway.text("/v1/tools"),
    );
    expect(listed.data.find(({ id }) => id === "shapes/json_text")?.outputSchema).toEqual(attached);
    for (let n = 0; n < 3; n += 1) await gateway.echo({ n });
    expect(await gateway.observed()).toBe(declared);
    // One text block is still parsed, and what does not fit the schema is passed on as it is.
    const code = "return [await shapes.json_text({}), await shapes.echo({})]";
    expect(await gateway.post("/v1/sandbox/runs", { code })).toMatchObject({
      status: "completed",
      result: [{ files: ["a", "b"] }, { arguments: {} }],
      diagnostics: [],
    });
    expect(
      await gateway.post("/v1/sandbox/runs", { code: "return (await shapes.json_text({})).file" }),
    ).toMatchObject({ status: "failed", error: { code: "type_error", effects: "none" }, calls: [] });
  });
});

/** The catalog that a run began with, as its events have it. */
async function versionOf(gateway: TestGateway, run: string): Promise<string | undefined> {
  return /"catalogVersion":"(\w+)"/.exec(await gateway.text(`/v1/sandbox/runs/${run}/events`))?.[1];
}
