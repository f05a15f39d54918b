/** What becomes of a run whose process ended at a certain event: the cases with a cause of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { Core } from "../../src/core.ts";
import type { JournalEvent } from "../../src/journal.ts";
import { createLog } from "../../src/log.ts";
import type { Runner } from "../../src/runs/runner.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { echoTool, openCore, programRequest } from "../helpers/core.ts";
import { createRunner, storeWith } from "../helpers/runner.ts";
import { until } from "../helpers/until.ts";

type Decided = JournalEvent & { readonly by?: string };

const me = { principal: "local", admin: false };
const read = echoTool("read", { readOnly: true });
const write = echoTool("write");
const ask = echoTool("ask", { needsApproval: true });

let core: Core;
beforeAll(async () => {
  core = await openCore([read.tool, write.tool, ask.tool]);
});
afterAll(() => core[Symbol.asyncDispose]());

async function run(code: string): Promise<string> {
  const { id, done } = await core.runner.start(programRequest(code, { typecheck: "off" }));
  await done;
  return id;
}

async function untilEnded(store: Store, ids: readonly string[]): Promise<void> {
  await until("all runs have ended", async () => {
    const runs = await Promise.all(ids.map((id) => store.getRun(id)));
    return runs.every((each) => each !== undefined && /completed|failed|cancelled/.test(each.status));
  });
}

it.each([0, 1])(
  "a program that the compiler refused ends, when the process stopped after %i events of it",
  async (length) => {
    const id = await run("const = 3");
    await using store = await storeWith(core, [id], (events) => events.slice(0, length));
    const runner = createRunner(core, store);
    await runner.recover();
    await untilEnded(store, [id]);
    expect(await runner.reader.report(id, me)).toMatchObject({ status: "cancelled", calls: [] });
    expect((await store.readJournal(id)).map(({ type }) => type)).toEqual(["opened", "ended"]);
    await runner.drain(0, "suspend");
  },
);

it("runs that were queued when the process stopped have their place in the next one", async () => {
  const many = [await run("return await read({ value: 1 })")];
  while (many.length < 16) many.push(await run("return 'queued'"));
  await using store = await storeWith(core, many, () => []);
  const runner = createRunner(core, store);
  // The pool of this core has eight places, and two in its queue.
  expect(await runner.recover()).toEqual({ resumed: 16, ended: 0 });
  await untilEnded(store, many);
  expect((await runner.reader.report(many[0] ?? "", me))?.result).toBe(1);
  await runner.drain(0, "suspend");
});

it("an error that a program caught is the same when it is told again, whatever name it had asked for", async () => {
  const id = await run(`
    let seen;
    try { await tools["no/such"]["tool/at all"]({}) } catch (error) { seen = [error.server, error.tool, error.message] }
    console.log(seen);
    return [seen, await ask({ value: seen.length })]`);
  const [pending] = (await core.runner.reader.report(id, me))?.pending ?? [];
  const decided = await core.runner.decide({
    run: id,
    call: pending?.call ?? "",
    decision: { type: "approve", by: "me" },
    viewer: me,
  });
  expect(await decided?.done).toMatchObject({ status: "completed", result: [expect.any(Array), 3] });
});

const narrowed = [{ rule: "x-mcp-include-tools", allow: ["local/ask"] }];

it.each([
  ["it was decided", ({ type, by }: Decided) => type === "decided" && by === "me"],
  ["its run went on", ({ type }: Decided) => type === "resumed"],
])("what the deciding request left out stays out, when the process stops after %s", async (_, isLast) => {
  const id = await run("await ask({}); return await write({ value: 'left out' })");
  const [pending] = (await core.runner.reader.report(id, me))?.pending ?? [];
  const decision = { type: "approve", by: "me" } as const;
  const decided = await core.runner.decide({
    run: id,
    call: pending?.call ?? "",
    decision,
    viewer: me,
    layers: narrowed,
  });
  expect((await decided?.done)?.error).toMatchObject({ tool: { tool: "write", kind: "denied" } });

  await using store = await storeWith(core, [id], (events) => events.slice(0, events.findIndex(isLast) + 1));
  const runner = createRunner(core, store);
  await runner.recover();
  await until("the call is in doubt or made again", async () => {
    const report = await runner.reader.report(id, me);
    return report?.status !== "running";
  });
  expect((await runner.reader.report(id, me))?.error).toMatchObject({
    tool: { tool: "write", kind: "denied" },
  });
  expect(write.seen).not.toContain("left out");
  await runner.drain(0, "suspend");
});

it.each([
  ["the calls after it", narrowed, "write"],
  ["the decided call itself", [{ rule: "x-mcp-include-tools", allow: [] }], "ask"],
])(
  "what the deciding request left out stays out of a run that never stopped: %s",
  async (_, layers, denied) => {
    const made = [ask.seen.length, write.seen.length];
    const code =
      "const busy = sleep(1_000); await ask({ value: 'live' }); await busy; return await write({})";
    const { id, done } = await core.runner.start(programRequest(code, { typecheck: "off" }));
    const call = await until(
      "the call waits",
      async () => (await core.runner.reader.report(id, me))?.pending[0]?.call,
    );
    const decision = { type: "approve", by: "me" } as const;
    await core.runner.decide({ run: id, call, decision, viewer: me, layers });
    expect((await done).error).toMatchObject({ tool: { tool: denied, kind: "denied" } });
    expect((await core.store.readJournal(id)).map(({ type }) => type)).not.toContain("resumed");
    expect([ask.seen.length, write.seen.length]).toEqual([
      (made[0] ?? 0) + (denied === "ask" ? 0 : 1),
      made[1],
    ]);
  },
);

it("a run does not go on in a process that has let go of it, though a decision was under way", async () => {
  const id = await run("return await ask({ value: 'late' })");
  await using store = await storeWith(core, [id], (events) => events);
  const [recorded, drained] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const runner = createRunner(core, {
    ...bindAll(store),
    async flush(...given) {
      await store.flush(...given);
      recorded.resolve();
      await drained.promise;
    },
  });
  const [pending] = (await runner.reader.report(id, me))?.pending ?? [];
  const decision = { type: "approve", by: "me" } as const;
  const decided = runner.decide({ run: id, call: pending?.call ?? "", decision, viewer: me });
  await recorded.promise;
  await runner.drain(0, "suspend");
  drained.resolve();
  expect(await (await decided)?.done).toMatchObject({ status: "running" });
  expect((await store.readJournal(id)).at(-1)?.type).toBe("decided");

  const next = createRunner(core, store);
  await next.recover();
  await untilEnded(store, [id]);
  expect((await next.reader.report(id, me))?.result).toBe("late");
  expect(ask.seen.filter((value) => value === "late")).toHaveLength(1);
  await next.drain(0, "suspend");
});

it("what became of a call that changed something is kept once the program has it, and before the call leaves", async () => {
  await using store = await openSqliteStore({ path: ":memory:", log: createLog("silent") });
  const appended: string[] = [];
  const kept: (string | undefined)[] = [];
  const runner = createRunner(core, {
    ...bindAll(store),
    append(id, term, events, ...status) {
      appended.push(...events.map(({ type }) => type));
      return store.append(id, term, events, ...status);
    },
    flush(id) {
      kept.push(appended.at(-1));
      return store.flush(id);
    },
  });
  const code = "await read({}); const a = await write({ value: 1 }); await sleep(100); return a";
  await (await runner.start(programRequest(code))).done;
  expect(kept.filter((type) => type !== "ended")).toEqual(["started", "settled"]);
  await runner.drain(0, "suspend");
});

it("nobody hears of a run, of what happens in it or of its end before that is kept", async () => {
  await using store = await openSqliteStore({ path: ":memory:", log: createLog("silent") });
  const keep = Promise.withResolvers<void>();
  const runner = createRunner(core, {
    ...bindAll(store),
    async flush(id) {
      await keep.promise;
      await store.flush(id);
    },
  });
  // It changes nothing: only those who are told of it wait for its record.
  const { id, kept, events, report, done } = await runner.start(programRequest("return await read({})"));
  const heard: string[] = [];
  const hearing = [
    kept().then(() => void heard.push("run")),
    events()
      [Symbol.asyncIterator]()
      .next()
      .then(() => void heard.push("event")),
    until("its stream can be read", () => runner.reader.events(id, me))
      .then((stream) => stream[Symbol.asyncIterator]().next())
      .then(() => void heard.push("event by its id")),
    done.then(() => void heard.push("end")),
  ];
  await until("the program has ended", () => report().status === "completed");
  await store.flush(id);
  expect(heard).toEqual([]);
  keep.resolve();
  await Promise.all(hearing);
  expect(heard.toSorted()).toEqual(["end", "event", "event by its id", "run"]);
  await runner.drain(0, "suspend");
});

it("an answer to the first question that comes once more does not answer whether a call in doubt is made again", async () => {
  const id = await run("return await ask({ value: 'doubtful' })");
  const made = (): number => ask.seen.filter((value) => value === "doubtful").length;
  const asked = (await core.runner.reader.report(id, me))?.pending[0]?.call ?? "";
  const approve = { type: "approve", by: "me" } as const;
  await (await core.runner.decide({ run: id, call: asked, decision: approve, viewer: me }))?.done;
  expect(made()).toBe(1);

  await using store = await storeWith(core, [id], (events) =>
    events.slice(0, events.findIndex(({ type }) => type === "started") + 1),
  );
  const runner = createRunner(core, store);
  const decide = async (call: string, decision: Parameters<Runner["decide"]>[0]["decision"]) =>
    (await runner.decide({ run: id, call, decision, viewer: me }))?.done;
  await runner.recover();
  await until("the call is in doubt", async () => (await runner.reader.report(id, me))?.status === "waiting");

  const again = await decide(asked, approve);
  expect(again).toMatchObject({ status: "waiting", calls: [{ id: asked, status: "in_doubt" }] });
  const question = again?.pending[0]?.call ?? "";
  expect(question).toMatch(/^call_[\w-]{22}_[0-9a-z]+$/);
  expect(question.length).toBeLessThanOrEqual(40);
  expect(question).not.toBe(asked);
  await expect(decide(question.replace(/_[0-9a-z]+$/, "_zzzzzzzz"), approve)).rejects.toMatchObject({
    code: "not_found",
  });
  expect(made()).toBe(1);

  expect(await decide(question, approve)).toMatchObject({ status: "completed", result: "doubtful" });
  expect(await decide(question, approve)).toMatchObject({ status: "completed" });
  expect(made()).toBe(2);
  await runner.drain(0, "suspend");
});

/** The methods of a store as values, so that one can be replaced. */
function bindAll(store: Store): Store {
  const bound = (name: string | symbol): unknown => {
    const value: unknown = Reflect.get(store, name);
    return typeof value === "function" ? value.bind(store) : value;
  };
  return new Proxy({} as Store, {
    get: (_, name) => bound(name),
    ownKeys: () => Reflect.ownKeys(Object.getPrototypeOf(store)),
    getOwnPropertyDescriptor: (_, name) => ({ value: bound(name), enumerable: true, configurable: true }),
  });
}

it("a stored program keeps the names it was started with, when a server's new tool has taken one of them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-names-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "store.db");
  const named = (name: string) =>
    defineTool({ name, description: "", input: { type: "object" }, readOnly: true, execute: () => name });
  const opened = (...names: readonly string[]): Promise<Core> =>
    openCore([ask.tool, ...names.map(named)], path);
  let id: string;
  {
    await using before = await opened("get-user");
    const started = await before.runner.start(programRequest("await ask({}); return await get_user({})"));
    id = started.id;
    expect(await started.done).toMatchObject({ status: "waiting" });
  }
  await using after = await opened("get-user", "get_user");
  const [call] = (await after.runner.reader.report(id, me))?.pending ?? [];
  const decision = { type: "approve", by: "local" } as const;
  await after.runner.decide({ run: id, call: call?.call ?? "", viewer: me, decision });
  await until("the run has ended", async () => {
    return (await after.runner.reader.report(id, me))?.status === "completed";
  });
  expect((await after.runner.reader.report(id, me))?.result).toBe("get-user");
  const fresh = await after.runner.start(programRequest("return await get_user({})"));
  expect((await fresh.done).result).toBe("get_user");
});
