import { execFile } from "node:child_process";
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { until } from "../helpers/until.ts";
import { call, common, isAlive, openHub, stateOf, stdio, toolNames } from "./hubs.ts";

afterEach(() => vi.unstubAllEnvs());

describe("a server that is a child process", () => {
  test("the official filesystem server lists a directory", async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), "toolarium-mcp-")));
    await writeFile(join(folder, "hello.txt"), "hi");
    const entry = createRequire(import.meta.url).resolve(
      "@modelcontextprotocol/server-filesystem/dist/index.js",
    );
    await using hub = openHub([
      { ...common, name: "fs", type: "stdio", command: process.execPath, args: [entry, folder], env: {} },
    ]);
    await hub.settled;

    const outcome = await call(hub, "fs", "list_directory", { path: folder }, { hasOutputSchema: true });

    expect(outcome).toEqual({ ok: true, value: { content: "[FILE] hello.txt" } });
    expect(stateOf(hub, "fs")).toMatchObject({ state: "ready", lastError: null, quarantined: [] });
    expect(toolNames(hub, "fs")).toContain("read_text_file");
    await rm(folder, { recursive: true });
  });

  test("gets each message on one line, whatever the line breaks of its language are", async () => {
    await using hub = openHub([stdio("keeps-digits")]);
    await hub.settled;
    const args = { id: "a\u2028\u2029\u0085\n\r\v\f\ud800b" };
    expect(await call(hub, "keeps-digits", "odd", args)).toEqual({
      ok: true,
      value: 'got {"id":"a\\u2028\\u2029\\u0085\\n\\r\\u000b\\f\\ud800b"}',
    });
  });

  test("gets PATH, HOME, LANG, TMPDIR and its own variables, and nothing else of the gateway's", async () => {
    vi.stubEnv("TOOLARIUM_TEST_SECRET", "of the gateway");
    vi.stubEnv("LANG", "C.UTF-8");
    vi.stubEnv("LOGNAME", "operator");
    await using hub = openHub([stdio("answers-in-every-shape", [], { env: { OWN: "yes" } })]);

    const outcome = await call(hub, "answers-in-every-shape", "env");

    const value = outcome.ok ? outcome.value : {};
    const allowed = ["PATH", "HOME", "LANG", "TMPDIR", "OWN"];
    expect(Object.keys(Object(value)).filter((name) => !allowed.includes(name))).toEqual([]);
    expect(value).toMatchObject({ OWN: "yes", LANG: "C.UTF-8", PATH: process.env["PATH"] });
  });

  test("sees the gateway as client toolarium with the version of the package", async () => {
    const manifest = createRequire(import.meta.url)("toolarium/package.json");
    const { version } = z.object({ version: z.string() }).parse(manifest);
    await using hub = openHub([stdio("answers-in-every-shape")]);

    expect(await call(hub, "answers-in-every-shape", "client")).toEqual({
      ok: true,
      value: { name: "toolarium", version },
    });
  });

  test("may print junk between its answers", async () => {
    await using hub = openHub([stdio("prints-junk-on-stdout")]);
    expect(await call(hub, "prints-junk-on-stdout", "talk")).toEqual({ ok: true, value: "a clear answer ☃" });
  });

  test("may flood its stderr, of which the last 4 kB are kept", async () => {
    await using hub = openHub([stdio("floods-stderr")]);

    expect(await call(hub, "floods-stderr", "flood")).toEqual({ ok: true, value: "dry again" });

    const tail = (): string => stateOf(hub, "floods-stderr").stderrTail ?? "";
    await until("its last line was read", () => tail().endsWith("the flood of the call is over\n"));
    expect(tail().length).toBe(4_096);
  });

  test("that does not exist is failed, and says which command was not found", async () => {
    const command = "/nowhere/at/all/no-such-command";
    await using hub = openHub([stdio("absent", [], { command })]);
    await hub.settled;

    const { state, lastError } = stateOf(hub, "absent");
    expect(state).toBe("failed");
    expect(lastError).toBe('the command "no-such-command" (or its working directory) was not found');
    expect(await call(hub, "absent", "x")).toEqual({
      ok: false,
      failure: { kind: "unavailable", message: `The server "absent" is not available: ${lastError}.` },
    });
  });

  test("that crashes at its start tells why, without the secret and the path it printed", async () => {
    const lines: string[] = [];
    const spec = stdio("crashes-at-start", [], { env: { API_KEY: "sk-very-secret" } });
    await using hub = openHub([spec], lines);
    await hub.settled;

    const state = stateOf(hub, "crashes-at-start");
    expect(state.lastError).toContain("its process exited with code 1");
    expect(state.lastError).toContain("cannot log in with key [redacted]");
    expect(state.lastError).toContain("no such file: …/crashes-at-start.ts");
    expect(state.stderrTail).toContain("cannot log in with key [redacted]");
    const outcome = await call(hub, "crashes-at-start", "x");
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "unavailable" } });
    const said = JSON.stringify([outcome, hub.servers(), lines]);
    expect(said).not.toContain("sk-very-secret");
    expect(JSON.stringify(outcome)).not.toContain(import.meta.dirname.split("/").slice(0, 3).join("/"));
  });

  test("that ends when asked for its revisions is started again the old way, and is not asked again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "toolarium-mcp-"));
    const starts = join(folder, "starts");
    const count = async (): Promise<number> => (await readFile(starts, "utf8")).split("\n").length - 1;
    await using hub = openHub([stdio("exits-unless-initialized-first", [starts])]);
    await hub.settled;
    expect(stateOf(hub, "exits-unless-initialized-first").state).toBe("ready");
    expect(await count()).toBe(2);

    await call(hub, "exits-unless-initialized-first", "die");
    await until(
      "the server is failed",
      () => stateOf(hub, "exits-unless-initialized-first").state === "failed",
    );
    await until(
      "the server is ready",
      () => stateOf(hub, "exits-unless-initialized-first").state === "ready",
    );

    expect(await count()).toBe(3);
    await rm(folder, { recursive: true });
  });

  test("of revision 2026-07-28 is spoken to in it, and its changes are seen", async () => {
    await using hub = openHub([stdio("speaks-2026")]);
    await hub.settled;
    expect(stateOf(hub, "speaks-2026")).toMatchObject({
      state: "ready",
      protocolVersion: "2026-07-28",
      serverInfo: { name: "modern", version: "2.0.0" },
    });
    const options = { hasOutputSchema: true };
    expect(await call(hub, "speaks-2026", "double", { n: 21 }, options)).toEqual({
      ok: true,
      value: { n: 42 },
    });
    await call(hub, "speaks-2026", "add_tool");
    await until("the new tool is listed", () => toolNames(hub, "speaks-2026").includes("added"));
  });

  test("of revision 2026-07-28 may send what its own schemas forbid", async () => {
    await using hub = openHub([stdio("speaks-2026-badly")]);
    await hub.settled;

    expect(toolNames(hub, "speaks-2026-badly")).toEqual(["odd"]);
    expect(stateOf(hub, "speaks-2026-badly")).toMatchObject({
      protocolVersion: "2026-07-28",
      quarantined: [{ tool: "broken", reason: "inputSchema must be an object, got a number" }],
    });
    expect(await call(hub, "speaks-2026-badly", "odd")).toEqual({
      ok: true,
      value: { content: [{ type: "hologram", depth: 3 }] },
    });
  });

  test("can be pinned to a revision, and fails when it has another", async () => {
    await using hub = openHub([
      stdio("answers-in-every-shape", [], { name: "agrees", protocol: "2025-03-26" }),
      stdio("lists-in-pages", [], { name: "differs", protocol: "2025-03-26" }),
      stdio("lists-in-pages", [], { name: "too-old", protocol: "2026-07-28" }),
    ]);
    await hub.settled;

    expect(stateOf(hub, "agrees")).toMatchObject({ state: "ready", protocolVersion: "2025-03-26" });
    expect(stateOf(hub, "differs")).toMatchObject({ state: "failed" });
    expect(stateOf(hub, "differs").lastError).toContain("2025-06-18");
    expect(stateOf(hub, "too-old")).toMatchObject({ state: "failed" });
  });

  test("is ended with a gateway that exits without disposing of it", async () => {
    const script = join(import.meta.dirname, "../fixtures/mcp/exits-without-dispose.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    const pids = z.array(z.number()).length(2).parse(JSON.parse(stdout));
    await until("both processes are gone", () => !pids.some(isAlive));
  });

  test("that ignores every request to end is gone after dispose, and so is what it started", async () => {
    const hub = openHub([stdio("ignores-requests-to-end")]);
    const outcome = await call(hub, "ignores-requests-to-end", "pids");
    const pids = z
      .array(z.number())
      .length(2)
      .parse(outcome.ok && outcome.value);
    expect(pids.map(isAlive)).toEqual([true, true]);

    await hub[Symbol.asyncDispose]();

    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(stateOf(hub, "ignores-requests-to-end").state).toBe("closed");
  });
});
