/** `toolarium audit`: tool calls from the store's file, as a table for people or as JSON lines for programs. */
import { ToolariumError } from "../errors.ts";
import { type AuditRow, readAudit } from "../runs/read/audit.ts";
import type { Store } from "../store/store.ts";
import type { AuditCommand } from "./command.ts";
import { createSession, openStoredRuns, readConfig } from "./session.ts";
import { toVisibleJson, toVisibleLine } from "./visible.ts";

const PAGE = 200;
/** A user who can read the file can read all of it. */
const reader = { principal: "", admin: true };

/** Returns the exit code. @throws `usage_error`, `config_error` */
export async function listCalls(command: AuditCommand): Promise<number> {
  const { log, interrupted } = createSession("warn");
  const config = await readConfig(command, log);
  await using store = await openStoredRuns(config, log);
  let isFirst = true;
  for await (const rows of pagesOf(store, command)) {
    if (interrupted.aborted) throw new ToolariumError("cancelled", "Interrupted.");
    process.stdout.write(command.json ? toJsonLines(rows) : toTable(rows, isFirst));
    isFirst = false;
  }
  return 0;
}

async function* pagesOf(
  store: Store,
  { filters, limit }: AuditCommand,
): AsyncGenerator<readonly AuditRow[], void, void> {
  let left = limit;
  let cursor: string | undefined;
  while (left > 0) {
    const page = await readAudit(store, reader, { ...filters, limit: Math.min(left, PAGE), cursor });
    yield page.data;
    if (page.next_cursor === null) return;
    left -= page.data.length;
    cursor = page.next_cursor;
  }
}

function toJsonLines(rows: readonly AuditRow[]): string {
  return rows.map((row) => `${toVisibleJson(row)}\n`).join("");
}

const columns: readonly (readonly [title: string, cell: (row: AuditRow) => string])[] = [
  ["REQUESTED", ({ requestedAt }) => requestedAt],
  ["RUN", ({ run }) => run],
  ["CALL", ({ seq }) => String(seq)],
  ["PRINCIPAL", ({ principal }) => principal],
  ["TOOL", ({ tool }) => tool],
  ["DECISION", ({ decision }) => decision ?? "-"],
  ["BY", ({ decidedBy }) => decidedBy ?? "-"],
  [
    "STATUS",
    ({ status, inDoubt }) => (inDoubt && status !== "in_doubt" ? `${status} (was in doubt)` : status),
  ],
  ["MS", durationOf],
  ["ARGS", ({ argsBytes }) => String(argsBytes)],
  ["RESULT", ({ resultBytes, reused }) => `${resultBytes}${reused ? " (reused)" : ""}`],
  ["REASON", ({ error, reason }) => error?.message ?? reason ?? ""],
];

/** Each column is as wide as its widest cell on this page; the last one is not padded. */
function toTable(rows: readonly AuditRow[], withTitles: boolean): string {
  if (rows.length === 0) return withTitles ? "No calls.\n" : "";
  const titles = columns.map(([title]) => title);
  const cells = rows.map((row) => columns.map(([, cell]) => toVisibleLine(cell(row))));
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...cells.map((line) => line[index]?.length ?? 0)),
  );
  const lines = withTitles ? [titles, ...cells] : cells;
  return lines.map((line) => `${alignCells(line, widths)}\n`).join("");
}

function alignCells(line: readonly string[], widths: readonly number[]): string {
  return line
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join("  ")
    .trimEnd();
}

function durationOf({ startedAt, settledAt }: AuditRow): string {
  return startedAt === null || settledAt === null
    ? "-"
    : String(Date.parse(settledAt) - Date.parse(startedAt));
}
