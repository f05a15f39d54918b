/**
 * Recorded tool use in which one tool needs a person: the program stops before it, the process ends, and another one
 * goes on with it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Core } from "../../src/core.ts";
import type { LocalTool, ServerSpec } from "../../src/mcp/server.ts";
import type { Report } from "../../src/runs/record/report-shape.ts";
import { everything, openCore, programRequest } from "../helpers/core.ts";
import {
  type AnnouncedTool,
  type MultiTurnCase,
  type RecordedCall,
  readCaseServers,
  readCases,
  toolUseCases,
} from "../helpers/tool-use-cases.ts";

const me = { principal: "local", admin: false };
const common = { disabled: false, startTimeoutMs: 5_000, trustAnnotations: false, protocol: "auto" } as const;

/** One case under way: call N is answered with the recorded result. */
class Play {
  readonly calls: readonly RecordedCall[];
  /** The tool that needs a person: that of the call in the middle. */
  readonly asked: string;
  readonly faults: string[] = [];
  made = 0;
  run = "";

  constructor({ turns }: MultiTurnCase) {
    this.calls = turns.flatMap((turn) => turn.calls);
    this.asked = idOf(this.calls[Math.floor(this.calls.length / 2)]);
  }

  answer(id: string, args: unknown): unknown {
    const expected = this.calls[this.made];
    this.made += 1;
    if (idOf(expected) !== id) this.faults.push(`call ${this.made} is ${id}, not ${idOf(expected)}`);
    expect.soft(args).toMatchObject(expected?.arguments ?? {});
    return expected?.result;
  }

  /** How many calls come before the next one that needs a person; all of them when there is none. */
  until(from: number): number {
    const at = this.calls.findIndex((call, index) => index >= from && idOf(call) === this.asked);
    return at < 0 ? this.calls.length : at;
  }
}

const idOf = (call: RecordedCall | undefined): string => `${call?.server}/${call?.tool}`;

function programOf({ calls }: Play): string {
  const written = calls.map(
    ({ server, tool, arguments: args }, at) =>
      `const r${at} = await tools[${JSON.stringify(server)}][${JSON.stringify(tool)}](${JSON.stringify(args)});`,
  );
  return `${written.join("\n")}\nreturn [${calls.map((_, at) => `r${at}`).join(", ")}];`;
}

describe.skipIf(toolUseCases === undefined)("recorded tool use (TOOL_USE_CASES)", () => {
  it("stops before the call that needs a person, survives the process, and makes every call once", {
    timeout: 180_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "toolarium-cases-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const plays = (await readCases<MultiTurnCase>("multi-turn.jsonl")).map((row) => new Play(row));
    const announced = await readCaseServers();
    let current: Play | undefined;
    const open = (): Promise<Core> =>
      openCore([], join(folder, "runs.db"), {
        servers: Object.entries(announced).map(([name, tools]) =>
          serverOf(name, tools, (tool, args) => current?.answer(`${name}/${tool}`, args)),
        ),
      });

    {
      await using first = await open();
      for (const play of plays) {
        current = play;
        const auto = [...new Set(play.calls.map(idOf))].filter((id) => id !== play.asked);
        const policy = { layers: [everything, { rule: "the case", autoExecute: auto }] };
        const { id, done } = await first.runner.start(
          programRequest(programOf(play), { policy, typecheck: "off" }),
        );
        play.run = id;
        expectWaiting(await done, play);
      }
    }

    await using second = await open();
    expect(await second.runner.recover()).toEqual({ resumed: 0, ended: 0 });
    for (const play of plays) {
      current = play;
      const report = await approveAll(second, play);
      expect(report).toMatchObject({ status: "completed", error: null });
      expect(report.result).toEqual(play.calls.map(({ result }) => result ?? null));
      expect([play.made, play.faults]).toEqual([play.calls.length, []]);
      expect(report.calls.map(({ tool, status }) => [tool, status])).toEqual(
        play.calls.map((call) => [idOf(call), "ok"]),
      );
    }
    expect(plays.length).toBeGreaterThan(0);
  });
});

function serverOf(
  name: string,
  tools: readonly AnnouncedTool[],
  answer: (tool: string, args: unknown) => unknown,
): ServerSpec {
  // Some recorded results do not fit what their tool declares.
  const given = tools.map(
    ({ outputSchema: _, ...tool }): LocalTool => ({
      ...tool,
      annotations: {},
      needsApproval: false,
      execute: async (args) => answer(tool.name, args),
    }),
  );
  return { ...common, name, type: "local", tools: given };
}

function expectWaiting(report: Report, play: Play): void {
  expect(report).toMatchObject({ status: "waiting", pending: [{ tool: play.asked }] });
  expect([play.made, play.faults]).toEqual([play.until(play.made), []]);
  expect(report.calls.map(({ status }) => status)).toEqual([...Array(play.made).fill("ok"), "waiting"]);
}

async function approveAll({ runner }: Core, play: Play): Promise<Report> {
  for (;;) {
    const report = await runner.reader.report(play.run, me);
    if (report === undefined) throw new Error("the run is gone");
    const [pending] = report.pending;
    if (pending === undefined) return report;
    expectWaiting(report, play);
    const decision = { type: "approve", by: "me" } as const;
    await (await runner.decide({ run: play.run, call: pending.call, decision, viewer: me }))?.done;
  }
}
