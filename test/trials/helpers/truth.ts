/** What must hold whatever has happened: effects are records, clients were told the truth, and nothing is left over. */
import { createHash } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import { z } from "zod";
import { until } from "../../helpers/until.ts";
import { type Answer, reportShape } from "./errands.ts";
import type { House } from "./house.ts";

const ENDED = ["completed", "failed", "cancelled"];
/** How an answer that a failure interrupted says that the same request goes on with it. */
const RESUMABLE = "same Idempotency-Key resumes from here";
const SETTLE_MS = 60_000;
/** Of what a chat whose client has left calls a little later, the request may be older than the trial. */
const BEFORE_MS = 60_000;

const approvals = z.object({ data: z.array(z.object({ run: z.string(), call: z.string() })) });
const runs = z.object({ data: z.array(z.unknown()) });
const auditPage = z.object({
  data: z.array(
    z.object({
      run: z.string(),
      tool: z.string(),
      status: z.string(),
      startedAt: z.string().nullable(),
      argsHash: z.string().nullable(),
    }),
  ),
  next_cursor: z.string().nullable(),
});
type Row = z.infer<typeof auditPage>["data"][number];

/** Waits until nothing runs. Calls in doubt are refused: what they did stays, and nobody makes them again. */
export async function settle(house: House, since: Moment): Promise<void> {
  await until(
    "everything has ended",
    async () => {
      if (await isQuiet(house.url, since)) return true;
      await setTimeout(20);
      return false;
    },
    SETTLE_MS,
  );
}

async function isQuiet(url: string, since: Moment): Promise<boolean> {
  const { data } = approvals.parse(await get(`${url}/v1/approvals`));
  for (const { run, call } of data)
    await fetch(`${url}/v1/runs/${run}/calls/${call}?wait=false`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ decision: "deny" }),
    });
  const counts = await Promise.all(["queued", "running"].map((status) => countRuns(url, status)));
  if (data.length + Math.max(...counts) > 0) return false;
  // Chats are in no list; those that called something are in the audit.
  const rows = await auditSince(url, since.time);
  if (rows.some(({ status }) => status === "running" || status === "waiting")) return false;
  const ids = [...new Set(rows.map(({ run }) => run))];
  const reports = await Promise.all(ids.map((id) => get(`${url}/v1/sandbox/runs/${id}`)));
  return reports.every((report) => !["queued", "running"].includes(reportShape.parse(report).status));
}

async function countRuns(url: string, status: string): Promise<number> {
  return runs.parse(await get(`${url}/v1/sandbox/runs?limit=1&status=${status}`)).data.length;
}

/** Each line of the ledger since then has a record, and each record of a success its line; `add` happened once. */
export async function expectEffectsRecorded({ url, world }: House, since: Moment): Promise<void> {
  const effects = world.effects().map(toCall);
  const lines = effects.slice(since.effects);
  const rows = await auditSince(url, since.time - BEFORE_MS);
  const byCall = new Map(rows.map((row) => [`${row.tool} ${row.argsHash}`, row]));
  for (const { call, line } of lines) {
    expect(byCall.get(call)?.startedAt, `is in the audit: ${line}`).toBeTypeOf("string");
    if (line.startsWith("add"))
      expect(
        lines.filter((other) => other.call === call),
        line,
      ).toHaveLength(1);
  }
  const happened = new Set(effects.map(({ call }) => call));
  const claimed = rows.filter(({ status, tool }) => status === "ok" && tool !== "world/look");
  expect(claimed.filter(({ tool, argsHash }) => !happened.has(`${tool} ${argsHash}`))).toEqual([]);
}

export interface Moment {
  readonly time: number;
  readonly effects: number;
}

export function now({ world }: House): Moment {
  return { time: Date.now(), effects: world.effects().length };
}

function toCall(line: string): { readonly call: string; readonly line: string } {
  const [name = ""] = line.split(" ", 1);
  const args = JSON.stringify({ token: line.slice(name.length + 1) });
  return { call: `world/${name} ${createHash("sha256").update(args).digest("hex")}`, line };
}

async function auditSince(url: string, time: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let cursor = "";
  for (;;) {
    const page = auditPage.parse(
      await get(`${url}/v1/audit?from=${new Date(time).toISOString()}&limit=200${cursor}`),
    );
    rows.push(...page.data);
    if (page.next_cursor === null) return rows;
    cursor = `&cursor=${encodeURIComponent(page.next_cursor)}`;
  }
}

/** What a client was told is what the gateway says when it is asked again. */
export async function expectTold({ url }: House, answer: Answer): Promise<void> {
  if (answer.type === "none") return;
  if (answer.type === "chat") {
    const { status } = reportShape.parse(await get(`${url}/v1/sandbox/runs/${answer.id}`));
    expect(ENDED).toContain(status);
    let told = answer.text;
    for (let again = 0; again < 2; again++) {
      const next = await answer.again();
      // Only what was not called final may come further this time.
      if (!told.includes(RESUMABLE)) expect(next).toBe(told);
      told = next;
    }
    return;
  }
  const id = answer.type === "begun" ? answer.id : answer.told.id;
  const report = reportShape.parse(await get(`${url}/v1/sandbox/runs/${id}`));
  expect(ENDED).toContain(report.status);
  if (answer.type === "ended" && ENDED.includes(answer.told.status)) expect(report).toEqual(answer.told);
}

/** Ready, and a program runs, within this time. */
export async function expectServing({ url }: House, withinMs: number): Promise<void> {
  const signal = AbortSignal.timeout(withinMs);
  const program = fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: "return 1" }),
    signal,
  });
  expect(reportShape.parse(await (await program).json())).toMatchObject({ status: "completed", result: 1 });
  expect((await fetch(`${url}/readyz`, { signal })).status).toBe(200);
}

async function get(url: string): Promise<unknown> {
  const answer = await fetch(url);
  const body: unknown = await answer.json();
  expect(answer.status, `${url}: ${JSON.stringify(body)}`).toBe(200);
  return body;
}
