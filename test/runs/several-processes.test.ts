/** Two processes on one store: each run is owned once, is told everything by either, and is told of truly by both. */
import { describe, expect, it } from "vitest";
import type { JournalEvent } from "../../src/journal.ts";
import type { LocalTool } from "../../src/mcp/server.ts";
import { defineTool } from "../../src/tools/define-tool.ts";
import { programRequest } from "../helpers/core.ts";
import { openTwoCores } from "../helpers/two-cores.ts";
import { until } from "../helpers/until.ts";

const me = { principal: "local", admin: false };

/** What was done, by which process, and tools that answer when they are let. */
function world() {
  const done: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<void>>();
  const gate = (name: string): PromiseWithResolvers<void> => {
    const known = gates.get(name) ?? Promise.withResolvers<void>();
    gates.set(name, known);
    return known;
  };
  const tool = (name: string, process: string, waits: boolean, needsApproval = false): LocalTool =>
    defineTool({
      name,
      description: `Does ${name}.`,
      input: { type: "object" },
      needsApproval,
      async execute(args) {
        const word = `${name} ${(args as { word?: string }).word ?? ""} by ${process}`;
        done.push(word);
        if (waits) await gate(word).promise;
        return word;
      },
    });
  return {
    done,
    open: (word: string) => gate(word).resolve(),
    tools: (process: "a" | "b") => [
      tool("act", process, false),
      tool("slow", process, true),
      tool("look", process, true),
      tool("ask", process, false, true),
    ],
  };
}

const typesOf = (events: readonly JournalEvent[], type: JournalEvent["type"]): number =>
  events.filter((event) => event.type === type).length;

describe("a run that one process goes on with", () => {
  it("is read and followed through the other, which does not take it up", async () => {
    const { done, open, tools } = world();
    const { a, b, cluster, store } = await openTwoCores(tools);
    const run = await a.core.runner.start(programRequest("return await slow({ word: 'one' })"));
    await until("the call has left", () => done[0]);
    await run.kept();
    expect(await b.core.runner.recover()).toEqual({ resumed: 0, ended: 0 });
    expect(await b.core.runner.reader.report(run.id, me)).toMatchObject({ status: "running" });
    const followed = await b.core.runner.reader.events(run.id, me);
    const told = Array.fromAsync(followed ?? []);
    const atRest = b.core.runner.programAtRest(run.id);
    expect(cluster.ownerOf(run.id)).toBe("a");
    open("slow one by a");
    const report = await run.done;
    expect(report).toMatchObject({ status: "completed", result: "slow one by a" });
    expect(await told).toEqual(await store.readJournal(run.id));
    expect(await atRest).toEqual(report);
    expect(await b.core.runner.reader.report(run.id, me)).toEqual(report);
    expect(done).toEqual(["slow one by a"]);
    await until("nobody owns it", () => cluster.ownerOf(run.id) === undefined);
  });

  it("is cancelled through the other", async () => {
    const { done, tools } = world();
    const { a, b } = await openTwoCores(tools);
    const run = await a.core.runner.start(programRequest("return await slow({})"));
    await until("the call has left", () => done[0]);
    expect(await b.core.runner.cancel(run.id, me)).toMatchObject({ status: "cancelled" });
    expect(await run.done).toMatchObject({ status: "cancelled" });
  });

  it("takes a decision that is said to the other, and that one tells what became of it", async () => {
    const { done, open, tools } = world();
    const { a, b, cluster } = await openTwoCores(tools);
    const run = await a.core.runner.start(
      programRequest("return await Promise.all([slow({ word: 'one' }), ask({ word: 'two' })])"),
    );
    const [call] = await until("it asks", async () => {
      const pending = run.report().pending;
      return pending.length > 0 && done.length > 0 ? pending : undefined;
    });
    await run.kept();
    const decided = await b.core.runner.decide({
      run: run.id,
      call: call?.call ?? "",
      decision: { type: "approve", by: "ann" },
      viewer: me,
    });
    expect(await decided?.settled).toMatchObject({ type: "value", value: "ask two by a" });
    expect(cluster.ownerOf(run.id)).toBe("a");
    open("slow one by a");
    expect(await decided?.done).toMatchObject({ result: ["slow one by a", "ask two by a"] });
    expect(await run.done).toEqual(await decided?.done);
  });
});

describe("a run that waits for a person", () => {
  const waiting = programRequest("return await ask({ word: 'it' })");

  it("resumes in the process that is told the decision", async () => {
    const { done, tools } = world();
    const { a, b, cluster } = await openTwoCores(tools);
    const run = await a.core.runner.start(waiting);
    const { pending } = await run.done;
    await until("nobody owns it", () => cluster.ownerOf(run.id) === undefined);
    const decided = await b.core.runner.decide({
      run: run.id,
      call: pending[0]?.call ?? "",
      decision: { type: "approve", by: "ann" },
      viewer: me,
    });
    expect(await decided?.done).toMatchObject({ status: "completed", result: "ask it by b" });
    expect(await a.core.runner.reader.report(run.id, me)).toEqual(await decided?.done);
    expect(done).toEqual(["ask it by b"]);
  });

  it("takes one of two decisions that come to both at the same time, and the other is told of it", async () => {
    const { done, tools } = world();
    const { a, b, store } = await openTwoCores(tools);
    const run = await a.core.runner.start(waiting);
    const { pending } = await run.done;
    const said = { run: run.id, call: pending[0]?.call ?? "", viewer: me };
    const results = await Promise.allSettled([
      a.core.runner.decide({ ...said, decision: { type: "approve", by: "ann" } }),
      b.core.runner.decide({ ...said, decision: { type: "deny", by: "bob" } }),
      a.core.runner.decide({ ...said, decision: { type: "approve", by: "ann" } }),
      b.core.runner.decide({ ...said, decision: { type: "deny", by: "bob" } }),
    ]);
    const taken = results.filter(({ status }) => status === "fulfilled");
    expect(taken).toHaveLength(2);
    for (const result of results)
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "decision_conflict" });
    const reports = await Promise.all(
      results.flatMap((result) => (result.status === "fulfilled" ? [result.value?.done] : [])),
    );
    expect(reports[0]).toEqual(reports[1]);
    const events = await store.readJournal(run.id);
    expect(typesOf(events, "ended")).toBe(1);
    expect(done.length).toBe(events.some((event) => event.type === "decided" && event.by === "ann") ? 1 : 0);
  });

  it("expires once, though both look", async () => {
    const { tools } = world();
    const { a, b, store } = await openTwoCores(tools, { approvalExpiresMs: 300 });
    const run = await a.core.runner.start(waiting);
    await run.done;
    for (const { core } of [a, b])
      await until("it has expired", async () => {
        const report = await core.runner.reader.report(run.id, me);
        return report?.error?.code === "approval_expired";
      });
    expect(typesOf(await store.readJournal(run.id), "ended")).toBe(1);
  });
});

describe("a process that others declared dead while it was stopped", () => {
  it.each(["look", "act"])(
    "makes no further call, %s included, and its client hears how the run ended in the other",
    async (next) => {
      const { done, open, tools } = world();
      const { a, b, cluster, store } = await openTwoCores(tools);
      const run = await a.core.runner.start(
        programRequest(`
          await act({ word: 'first' });
          await look({ word: 'between' });
          return await ${next}({ word: 'last' })`),
      );
      const events = run.events();
      const told = Array.fromAsync(events);
      await until("it looks", () => done.includes("look between by a"));
      a.member.stop();
      a.member.bury();
      await until("the other looks again", () => done.includes("look between by b"));
      expect(cluster.ownerOf(run.id)).toBe("b");
      // It wakes: the call that it waited for comes back.
      open("look between by a");
      await until("it has the result", () => run.report().calls[1]?.status === "ok");
      await until("it has let go of the run, and reads of it as the other does", async () => {
        const report = await a.core.runner.reader.report(run.id, me);
        return report?.calls[1]?.status === "running";
      });
      open("look between by b");
      if (next === "look") open("look last by b");
      expect(await run.done).toMatchObject({ status: "completed", result: `${next} last by b` });
      expect(done).toEqual(["act first by a", "look between by a", "look between by b", `${next} last by b`]);
      expect(await run.done).toEqual(await b.core.runner.reader.report(run.id, me));
      expect(await told).toEqual(await store.readJournal(run.id));
      const parts = await Array.fromAsync(store.verify(run.id));
      expect(parts.flatMap(({ broken }) => broken)).toEqual([]);
    },
  );

  it("asks a person about a call that may have been made, and takes the answer in either process", async () => {
    const { done, open, tools } = world();
    const { a, b } = await openTwoCores(tools);
    const run = await a.core.runner.start(programRequest("return await slow({ word: 'it' })"));
    await until("the call has left", () => done[0]);
    await run.kept();
    a.member.bury();
    const report = await until("it is asked", async () => {
      const now = await b.core.runner.reader.report(run.id, me);
      return now?.status === "waiting" ? now : undefined;
    });
    open("slow it by a");
    expect(await run.done).toEqual(report);
    const decided = await a.core.runner.decide({
      run: run.id,
      call: report.pending[0]?.call ?? "",
      decision: { type: "result", by: "ann", value: '"seen"' },
      viewer: me,
    });
    expect(await decided?.done).toMatchObject({ status: "completed", result: "seen" });
    expect(done).toEqual(["slow it by a"]);
  });
});

it("a process that stops hands its runs to the other, which goes on at once", async () => {
  const { done, open, tools } = world();
  const { a, b } = await openTwoCores(tools);
  const run = await a.core.runner.start(
    programRequest("await act({ word: 'first' }); return await look({ word: 'then' })"),
  );
  await until("it looks", () => done.includes("look then by a"));
  await a.core.runner.drain(0, "suspend");
  await until("the other looks", () => done.includes("look then by b"));
  open("look then by b");
  expect(await b.core.runner.programAtRest(run.id)).toMatchObject({ result: "look then by b" });
  expect(done).toEqual(["act first by a", "look then by a", "look then by b"]);
});
