/** One principal's runs fill what the store keeps for it: that principal begins nothing more, and nothing else changes. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { createSandbox, type SandboxOptions } from "../../src/index.ts";
import { createLog } from "../../src/log.ts";
import { until } from "../helpers/until.ts";
import { startWorld } from "../helpers/world.ts";
import { startServer } from "./cli-process.ts";

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Body;
}

/** Of a report or a refusal: what a test looks into. */
interface Body {
  readonly id: string;
  readonly status: string;
  readonly pending: readonly [{ readonly call: string }];
  readonly error: { readonly message: string };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-quota-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const clientOf =
  (url: string, key: string) =>
  async (path: string, body?: object): Promise<Answer> => {
    const response = await fetch(url + path, {
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    const retryAfter = response.headers.get("retry-after");
    return { status: response.status, retryAfter, body: (await response.json()) as Body };
  };

const RUNS = "/v1/sandbox/runs";
const FAT = { code: 'return "x".repeat(100_000)' };
const said =
  /^Your kept runs take \d+ bytes; store\.maxBytesPerPrincipal allows 100000\. There is room again/;

test("a principal above store.maxBytesPerPrincipal gets 507 before anything ran; its runs and other principals go on", {
  timeout: 120_000,
}, async () => {
  const folder = newFolder();
  await using world = await startWorld(join(folder, "effects"));
  const file = join(folder, "toolarium.json");
  const key = (name: string) => ({ name, key: `secret-of-${name}`, may: ["run", "decide"] });
  const config = {
    mcpServers: { world: { url: world.url } },
    tools: { autoExecute: ["world/add", "world/look"] },
    sandbox: { workers: 2 },
    keys: [key("ann"), key("bob")],
    store: { path: "./runs.db", maxBytesPerPrincipal: 100_000 },
  };
  writeFileSync(file, JSON.stringify(config));
  const serve = () => startServer(["--config", file], { env: { TOOLARIUM_LOG: "silent" } });
  const answers = (client: ReturnType<typeof clientOf>, expected: number): Promise<unknown> =>
    until(`new runs are answered with ${expected}`, async () => {
      const { status } = await client(RUNS, { code: "return 1" });
      return status === expected;
    });

  let gateway = await serve();
  let ann = clientOf(gateway.url, "secret-of-ann");
  const bob = clientOf(gateway.url, "secret-of-bob");
  const waiting = await ann(RUNS, { code: 'return await world.put({ token: "asked" })' });
  expect(waiting.body).toMatchObject({ status: "waiting" });
  const long = ann(RUNS, {
    code: `
      let n = 0;
      for (; n < 2_000 && (await world.look({ token: "?" })) !== null; n++) {
        await world.add({ token: "long" });
        if (input.until < Date.now()) break;
        await sleep(20);
      }
      return n`,
    input: { until: Date.now() + 3_000 },
  });
  await until("it runs", () => world.effects().length > 0);
  expect((await ann(RUNS, FAT)).body).toMatchObject({ status: "completed" });
  await answers(ann, 507);

  const before = world.effects().length;
  const late = { code: 'return await world.add({ token: "late" })' };
  expect(await ann(RUNS, late)).toMatchObject({
    ...{ status: 507, retryAfter: null },
    body: { code: "store_full", detail: expect.stringMatching(said) },
  });
  const explicit = await ann("/v1/tools/world/add", { arguments: { token: "late" } });
  expect(explicit).toMatchObject({ status: 507, body: { code: "store_full" } });
  const content = '```json\n[{ "tool": "world/add", "arguments": { "token": "late" } }]\n```';
  const chat = { model: "builtin/script", messages: [{ role: "user", content }] };
  const inChat = await ann("/v1/chat/completions", { ...chat, mode: "agent" });
  expect(inChat).toMatchObject({ status: 507, body: { error: { code: "store_full" } } });
  expect(inChat.body.error.message).toMatch(said);
  // What keeps nothing is served, what is kept is read, and what was let in goes on.
  expect((await ann("/v1/chat/completions", { ...chat, mode: "plain" })).status).toBe(200);
  expect(await bob(RUNS, late)).toMatchObject({ status: 200, body: { status: "completed" } });
  const { id, pending } = waiting.body;
  expect((await ann(`${RUNS}/${id}`)).body).toMatchObject({ status: "waiting" });
  const decided = await ann(`/v1/runs/${id}/calls/${pending[0].call}`, { decision: "approve" });
  expect(decided.status).toBe(200);
  await until("it has ended", async () => (await ann(`${RUNS}/${id}`)).body.status === "completed");
  expect((await long).body).toMatchObject({ status: "completed" });
  const effects = world.effects();
  expect(effects.length).toBeGreaterThan(before + 1);
  expect(effects.filter((effect) => effect.endsWith("late"))).toEqual(["add late"]);
  expect(effects).toContain("put asked");
  gateway.process.kill("SIGKILL");
  await gateway.exited;

  gateway = await serve();
  ann = clientOf(gateway.url, "secret-of-ann");
  expect(await ann(RUNS, late)).toMatchObject({ status: 507, body: { code: "store_full" } });
  gateway.process.kill("SIGTERM");
  expect(await gateway.exited).toBe(0);

  // A month later.
  using db = new DatabaseSync(join(folder, "runs.db"));
  db.exec("update runs set created_at = created_at - 31 * 86400000");
  db.close();
  gateway = await serve();
  ann = clientOf(gateway.url, "secret-of-ann");
  await answers(ann, 200);
});

test("the library refuses a principal above storeMaxBytesPerPrincipal, also after it was opened again, and no other", async () => {
  const options: SandboxOptions = {
    workers: 1,
    log: createLog("silent"),
    storePath: join(newFolder(), "runs.db"),
    storeMaxBytesPerPrincipal: 50_000,
  };
  {
    await using sandbox = await createSandbox(options);
    expect((await sandbox.run(FAT.code, { principal: "ann" })).status).toBe("completed");
  }
  await using sandbox = await createSandbox(options);
  await expect(sandbox.run("return 1", { principal: "ann" })).rejects.toMatchObject({
    code: "store_full",
    status: 507,
  });
  expect((await sandbox.run("return 1", { principal: "bob" })).result).toBe(1);
});
