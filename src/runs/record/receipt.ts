/**
 * What a program costs in tokens, and what its tool results would have cost a model that calls tools itself. Derived
 * from the run's record, like all of its report: nothing is counted while it runs.
 */
import type { JournalEvent } from "../../journal.ts";
import { countAllTokens, countTokens } from "../../tokens.ts";
import { markText } from "./media-marks.ts";
import { describeReport, type ReadReport } from "./model-report.ts";

/** Texts over 65,536 UTF-16 units are estimated. */
export interface TokenReceipt {
  /**
   * The declarations that a model was shown, or would be: the catalog within its budget. 0 in an embedded sandbox, which
   * shows them to nobody: to count them would cost its first program a fifth of a second.
   */
  readonly declarations: number;
  /** The author's text. */
  readonly program: number;
  /** What a model reads of the run once it has ended: the tool message, cut to its budget. 0 until then. */
  readonly result: number;
  /**
   * The results of its tool calls, whole, as they would stand in the conversation of a model that makes these calls
   * itself: each once, though such a model reads it again with every turn. Arguments and tool lists are not in it.
   */
  readonly directEstimate: number;
}

/** How many tokens a model may be shown. */
export interface TokenBudgets {
  readonly declarations: number;
  readonly result: number;
}

const DEFAULT_RESULT_BUDGET = 4_000;

/** What is fixed about a program before it runs. */
export interface ReceiptHead {
  readonly code: string;
  /** Absent in runs of earlier versions. */
  readonly shown?: Shown;
}

/** What a model was shown, or would be. */
export interface Shown {
  readonly declarationTokens: number;
  readonly resultBudget: number;
}

/** `head`: undefined for calls made outside a program. */
export function countReceipt(
  head: ReceiptHead | undefined,
  report: ReadReport,
  events: readonly JournalEvent[],
): TokenReceipt {
  const directEstimate = countAllTokens(events.flatMap(resultText));
  if (head === undefined) return { declarations: 0, program: 0, result: 0, directEstimate };
  const { code, shown = { declarationTokens: 0, resultBudget: DEFAULT_RESULT_BUDGET } } = head;
  const hasEnded = events.at(-1)?.type === "ended";
  return {
    declarations: shown.declarationTokens,
    program: countTokens(code),
    result: hasEnded ? countTokens(describeReport(report, code, shown.resultBudget)) : 0,
    directEstimate,
  };
}

/** Of a chat and its programs: the declarations are in its conversation once. */
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
function resultText(event: JournalEvent): readonly string[] {
  if (event.type !== "settled") return [];
  const { outcome } = event;
  if (!outcome.ok) return [JSON.stringify({ error: outcome.failure })];
  return [markText(outcome.value.startsWith('"') ? (JSON.parse(outcome.value) as string) : outcome.value)];
}
