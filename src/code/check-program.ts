/** A compiled body against the tools' declarations: TypeScript's faults as remarks about the author's text. */
import type { CheckResult, CheckService, Unchecked } from "./check-service.ts";
import type { DeclarationStore } from "./declaration-store.ts";
import type { Verdict } from "./fault-context.ts";
import { readSites } from "./fault-site.ts";
import type { Remark } from "./inspect.ts";
import { judgeFault } from "./judge-fault.ts";
import { isInserted, originOf, type SourceText } from "./source-text.ts";
import type { ToolSignatures } from "./tool-signatures.ts";
import type { CheckedProgram, TypeFault } from "./type-checker.ts";

export interface Checking {
  readonly service: CheckService;
  readonly declarations: DeclarationStore;
}

/** A remark with TypeScript's number for it. */
export interface TypeRemark extends Remark {
  readonly code: number;
  /** The signature of the tool it is about. */
  readonly signature?: string;
}

/** Faults that are looked at closely: more cannot be shown. */
const MAX_JUDGED = 50;

/** Remarks with the author's offsets, or why there are none. Never rejects. */
export async function checkBody(
  body: SourceText,
  toolGlobals: ReadonlySet<string>,
  hash: string,
  { service, declarations }: Checking,
): Promise<CheckResult<readonly TypeRemark[]>> {
  const types = (): Promise<{ hash: string; text: string }> => declarations.get(hash);
  return await service.check(types, body.text, async (checked) => {
    if (checked.faults.length === 0) return [];
    const { signatures } = await declarations.get(hash);
    return await judge(checked, body, toolGlobals, signatures());
  });
}

async function judge(
  checked: CheckedProgram,
  body: SourceText,
  toolGlobals: ReadonlySet<string>,
  signatures: ToolSignatures,
): Promise<readonly TypeRemark[]> {
  const sites = readSites(body.text, toolGlobals);
  if (sites === undefined) return [];
  const context = {
    program: body.text,
    sites,
    signatures,
    typeAt: (offset: number, unwrap: number) => checked.typeAt(offset, unwrap),
  };
  const authored = checked.faults.filter(({ start }) => start >= 0 && !isInserted(body.pieces, start));
  const remarks: TypeRemark[] = [];
  for (const fault of authored.slice(0, MAX_JUDGED)) {
    const verdict = await judgeFault(fault, context);
    if (verdict !== undefined) remarks.push(toRemark(fault, verdict, body));
  }
  return remarks;
}

function toRemark({ code, start }: TypeFault, verdict: Verdict, { pieces }: SourceText): TypeRemark {
  return { ...verdict, code, offset: originOf(pieces, start) };
}

/** What the author is told when the check did not take place. */
export function sayUnchecked(unchecked: Unchecked): Pick<Remark, "severity" | "message"> {
  switch (unchecked.why) {
    case "late":
      return note(`the check took more than ${unchecked.deadlineMs} ms. Plainer types are checked faster.`);
    case "memory":
      return note("its types took too much memory. Plainer ones take less.");
    case "interrupted":
      return note("the type checker was stopped twice while it was at work on it.");
    case "busy":
      return note("too many programs are being compiled right now.");
    case "down":
      return { severity: "warning", message: `Not type-checked: ${NO_CHECKER}` };
  }
}

const NO_CHECKER = "the type checker does not run here. The operator's log has the reason.";

function note(reason: string): Pick<Remark, "severity" | "message"> {
  return { severity: "note", message: `Not type-checked: ${reason}` };
}
