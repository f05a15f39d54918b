/** The table of errors for people, held against the one that the gateway answers from. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { errorTable } from "../../src/errors.ts";

const document = readFileSync(join(import.meta.dirname, "../../docs/architecture.md"), "utf8");

/** Cells of the rows that begin with a code, a status, an exit code, and whether a retry can help. */
const rows = [...document.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \| (yes|no) \| (.+) \| (.+) \|$/gm)].map(
  ([, code = "", status, exit, retry, when = "", remedy = ""]) => ({
    code,
    facts: { status: Number(status), exit: Number(exit), retryable: retry === "yes" },
    when,
    remedy,
  }),
);

test("every code has one row, in the order of the sources, with its status, exit code and retry", () => {
  const documented = rows.map(({ code, facts }) => [code, facts]);
  const known = Object.entries(errorTable).map(([code, { status, exit, retryable }]) => [
    code,
    { status, exit, retryable },
  ]);
  expect(documented).toEqual(known);
});

test("every row says in whole sentences when it comes and what to do", () => {
  const unfinished = rows.filter(
    ({ when, remedy }) => !/^[A-Z`].*\.$/.test(when) || !/^\S.*[.`]$/.test(remedy),
  );
  expect(unfinished.map(({ code }) => code)).toEqual([]);
});
