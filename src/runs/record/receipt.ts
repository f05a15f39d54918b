/**
 * What a program costs in tokens, and what its tool results would have cost a model that calls tools itself. Derived
 * from the run's record, like all of its report: nothing is counted while it runs.
 */

import type { JournalEvent } from "../../journal.ts";
import { countAllTokens, countTokens } from "../../tokens.ts";
import { markText } from "./media-marks.ts";
import { describeReport } from "./model-report.ts";
import type { ReadReport, ReceiptHead, TokenReceipt } from "./report-shape.ts";

/** How many tokens a model may be shown. */
export interface TokenBudgets {
  readonly declarations: number;
  readonly result: number;
}

type Settlement = Extract<JournalEvent, { readonly type: "settled" }>;

const DEFAULT_RESULT_BUDGET = 4_000;

/** `head`: undefined for calls made outside a program. */
export function countReceipt(
  head: ReceiptHead | undefined,
  report: ReadReport,
  settlements: readonly Settlement[],
  hasEnded: boolean,
): TokenReceipt {
  const directEstimate = countAllTokens(settlements.map(resultText));
  if (head === undefined) return { declarations: 0, program: 0, result: 0, directEstimate };
  const { code, shown = { declarationTokens: 0, resultBudget: DEFAULT_RESULT_BUDGET } } = head;
  return {
    declarations: shown.declarationTokens,
    program: countTokens(code),
    result: hasEnded ? countTokens(describeReport(report, code, shown.resultBudget)) : 0,
    directEstimate,
  };
}

/** The receipt of a chat and its programs. The conversation holds the declarations once, so they count once. */
export function addReceipts(receipts: readonly TokenReceipt[]): TokenReceipt {
  const sum = (pick: (receipt: TokenReceipt) => number): number =>
    receipts.reduce((total, receipt) => total + pick(receipt), 0);
  return {
    declarations: Math.max(...receipts.map(({ declarations }) => declarations)),
    program: sum(({ program }) => program),
    result: sum(({ result }) => result),
    directEstimate: sum(({ directEstimate }) => directEstimate),
  };
}

/** A text as it is, anything else as JSON, a failure as an error. */
function resultText({ outcome }: Settlement): string {
  if (!outcome.ok) return JSON.stringify({ error: outcome.failure });
  return markText(outcome.value.startsWith('"') ? (JSON.parse(outcome.value) as string) : outcome.value);
}
