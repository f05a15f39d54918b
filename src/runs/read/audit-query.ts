/** What the audit can be asked for, as it comes in an address or on the command line. */
import { z } from "zod";
import type { CallDecision } from "../../store/store.ts";

/** All that is given must hold. */
export interface AuditFilters {
  /** The id of a tool, or a pattern over them. */
  readonly tool?: string | undefined;
  readonly server?: string | undefined;
  readonly decision?: CallDecision | undefined;
  readonly run?: string | undefined;
  /** Requested at this time or later: milliseconds since the Unix epoch. */
  readonly from?: number | undefined;
  /** Requested before this time. */
  readonly to?: number | undefined;
}

const decisions = ["auto", "approved", "denied", "result"] as const satisfies readonly CallDecision[];

/** Characters; longer names match nothing that exists. */
const text = z.string().max(1_000, "expected at most 1000 characters");
const name = text.min(1, "expected a name, got nothing");

const time = z
  .string()
  .refine(isTime, "expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z")
  .transform((text) => Date.parse(text));

/** One text field per filter. Use them in a strict object: a mistyped filter would filter nothing. */
export const auditFilterFields: {
  readonly [Filter in keyof AuditFilters]-?: z.ZodType<AuditFilters[Filter]>;
} = {
  tool: text
    .refine(
      (tool) => tool === "*" || tool.includes("/"),
      'expected the id of a tool as in "server/tool", or a pattern as in "server/*"',
    )
    .optional(),
  server: name.optional(),
  decision: z.enum(decisions, `expected one of ${decisions.join(", ")}`).optional(),
  run: name.optional(),
  from: time.optional(),
  to: time.optional(),
};

/** What the fields must fulfil together, as a check of their object. */
export const timesInOrder: z.core.CheckFn<AuditFilters> = ({ value, issues }) => {
  const { from, to } = value;
  if (from === undefined || to === undefined || from < to) return;
  issues.push({ code: "custom", path: ["to"], message: "expected a time after `from`", input: value });
};

function isTime(text: string): boolean {
  return z.iso.date().safeParse(text).success || z.iso.datetime({ offset: true }).safeParse(text).success;
}
