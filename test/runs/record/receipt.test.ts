/** What a program cost in tokens, and what its tool results would have cost a model that calls tools itself. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { defaultLimits } from "../../../sandbox/index.ts";
import { renderDeclarations } from "../../../src/code/declare/declarations.ts";
import type { JournalEventBody } from "../../../src/journal.ts";
import { mergeChildren } from "../../../src/runs/record/chat-report.ts";
import { describeReport } from "../../../src/runs/record/model-report.ts";
import { deriveReport } from "../../../src/runs/record/report.ts";
import type { Report, ReportHead } from "../../../src/runs/record/report-shape.ts";
import { type RunState, readState } from "../../../src/runs/record/run-state.ts";
import { countTokens } from "../../../src/tokens.ts";
import { echoTool, openCore, programRequest } from "../../helpers/core.ts";
import { CREATED_AT, journalOf, usage } from "../valid-journals.ts";

const stateOf = (bodies: readonly JournalEventBody[]): RunState => readState(journalOf(bodies));

const code = "const rows = await shop.rows({});\nreturn rows.length;";
const head: ReportHead = { id: "run_a", createdAt: CREATED_AT, limits: defaultLimits, diagnostics: [] };
const program = { code, shown: { declarationTokens: 321, resultBudget: 300 } };

function settled(n: number, value: string): JournalEventBody {
  const outcome = { ok: true, value } as const;
  return { type: "settled", n, call: `call_${n}`, outcome, resultBytes: value.length, reused: false };
}

function ended(result: unknown): JournalEventBody {
  return { type: "ended", status: "completed", result: JSON.stringify(result), error: null, usage };
}

const opened: JournalEventBody = { type: "opened", programHash: "p", catalogVersion: "c" };
const rows = JSON.stringify(Array.from({ length: 400 }, (_, id) => ({ id, name: `row ${id}` })));

describe("the receipt of a program", () => {
  test("counts what a model writes and reads, and the payloads that it is spared", () => {
    const failure = { kind: "tool", message: "the till is closed" } as const;
    const failed: JournalEventBody = {
      ...{ type: "settled", n: 3, call: "call_3", resultBytes: 0, reused: false },
      outcome: { ok: false, failure },
    };
    const events = journalOf([opened, settled(1, rows), settled(2, '"two\\nlines"'), failed, ended(400)]);
    const report = deriveReport({ ...head, program }, readState(events));
    expect(report.usage.tokens).toEqual({
      declarations: 321,
      program: countTokens(code),
      result: countTokens('{"status":"completed","result":400}'),
      directEstimate:
        countTokens(rows) + countTokens("two\nlines") + countTokens(JSON.stringify({ error: failure })),
    });
    expect(JSON.parse(JSON.stringify(report)).usage.tokens).toEqual(report.usage.tokens);
  });

  test("takes the result as a model reads it, cut to its budget, and nothing before there is one", () => {
    const large = deriveReport({ ...head, program }, stateOf([opened, ended(JSON.parse(rows))]));
    expect(large.usage.tokens.result).toBe(countTokens(describeReport(large, code, 300)));
    expect(large.usage.tokens.result).toBeLessThanOrEqual(300);
    expect(deriveReport({ ...head, program }, stateOf([opened])).usage.tokens.result).toBe(0);
  });

  test("is that of its report, however the run goes on before somebody looks", () => {
    const events = journalOf([opened, settled(1, '"first"'), { type: "waiting" }]);
    const state = readState(events);
    const report = deriveReport({ ...head, program }, state);
    for (const event of journalOf([opened, settled(1, '"first"'), settled(2, rows), ended(1)]).slice(2))
      state.apply(event);
    expect(report.usage.tokens).toMatchObject({ result: 0, directEstimate: countTokens("first") });
  });

  test("of a chat has its programs' together, and their declarations once", () => {
    const child = (result: unknown): Report =>
      deriveReport({ ...head, program }, stateOf([opened, settled(1, rows), ended(result)]));
    const merged = mergeChildren(deriveReport(head, stateOf([opened])), [child("a"), child("b")]);
    const one = child("a").usage.tokens;
    expect(merged.usage.tokens).toEqual({
      declarations: 321,
      program: 2 * one.program,
      result: 2 * one.result,
      directEstimate: 2 * one.directEstimate,
    });
  });
});

describe("a run's receipt", () => {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is the same while it is carried, from its record, as of its last event and after a restart", async () => {
    const storePath = join(folder, "runs.db");
    const { tool } = echoTool("echo", { readOnly: true });
    const text = "const value = await echo({ value: 'word '.repeat(50_000) });\nreturn value.length";
    const viewer = { principal: "local", admin: false };
    const budgets = { declarations: 4_000, result: 4_000 };
    await using first = await openCore([tool], storePath, { tokenBudgets: budgets });
    const tools = first.catalog().tools;
    const active = await first.runner.start(programRequest(text));
    const { usage: live, id } = await active.done;
    expect(live.tokens).toEqual({
      declarations: countTokens(renderDeclarations(tools)),
      program: countTokens(text),
      result: countTokens('{"status":"completed","result":250000}'),
      directEstimate: expect.any(Number),
    });
    expect(Math.abs(live.tokens.directEstimate / 50_000 - 1)).toBeLessThan(0.01);
    const events = await first.runner.reader.journal(id);
    expect((await first.runner.reader.report(id, viewer))?.usage).toEqual(live);
    await first[Symbol.asyncDispose]();

    // Other tools by then: what was shown is what is counted.
    await using later = await openCore([], storePath, {
      tokenBudgets: { declarations: 100, result: 1_000 },
    });
    expect((await later.runner.reader.report(id, viewer))?.usage).toEqual(live);
    const atEnd = await later.runner.reader.report(id, viewer, events.length);
    expect(atEnd?.usage.tokens).toEqual(live.tokens);
    const atStart = await later.runner.reader.report(id, viewer, 1);
    expect(atStart?.usage.tokens).toMatchObject({ result: 0, directEstimate: 0 });
  });

  test("has of more tools than a model can be shown those that it is shown", async () => {
    const many = Array.from({ length: 200 }, (_, at) => echoTool(`echo_${at}`, { readOnly: true }).tool);
    const tokenBudgets = { declarations: 4_000, result: 4_000 };
    await using core = await openCore(many, ":memory:", { tokenBudgets });
    const { done } = await core.runner.start(programRequest("return 1"));
    const { declarations } = (await done).usage.tokens;
    expect(declarations).toBeLessThanOrEqual(4_000);
    expect(declarations).toBeGreaterThan(3_500);
  });
});

test("an embedded sandbox shows its declarations to nobody, and counts nothing before somebody reads a receipt", async () => {
  const script = `
    const { createSandbox } = await import(${JSON.stringify(new URL("../../../src/index.ts", import.meta.url))});
    const { createRequire } = await import("node:module");
    const isLoaded = () =>
      Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes("gpt-tokenizer"));
    await using sandbox = await createSandbox({ workers: 1 });
    const { result, usage } = await sandbox.run("return 6 * 7");
    const before = isLoaded();
    console.log(JSON.stringify({ result, before, tokens: usage.tokens, after: isLoaded() }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(JSON.parse(stdout)).toEqual({
    result: 42,
    before: false,
    tokens: {
      declarations: 0,
      program: countTokens("return 6 * 7"),
      result: countTokens('{"status":"completed","result":42}'),
      directEstimate: 0,
    },
    after: true,
  });
});
