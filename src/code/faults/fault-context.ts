/** The shared context of the fault judges: the program, its tools, and the way to name them in a sentence. */

import type { SeenType } from "../check/checked.ts";
import type { ToolSignature, ToolSignatures } from "../check/tool-signatures.ts";
import { fieldOf, type SyntaxNode, startOf } from "../syntax/parse.ts";
import { type Reference, writeReference } from "../syntax/references.ts";
import type { FaultSite, ProgramSites } from "./fault-site.ts";

export interface Verdict {
  /** `error`: the program is not run. */
  readonly severity: "error" | "warning";
  readonly message: string;
  /** The signature of the tool that it is about. */
  readonly signature?: string;
  /** For a refused tool argument: the offset of the call, its name, and the other faults in it. */
  readonly call?: { readonly at: number; readonly callable: string; readonly also: readonly string[] };
}

export interface FaultContext {
  /** The checked body; offsets are its own. */
  readonly program: string;
  readonly sites: ProgramSites;
  readonly signatures: ToolSignatures;
  typeAt(offset: number, unwrap: number): Promise<SeenType | undefined>;
}

/** A refusal, with the tool's signature when it is known. */
export function refuse(message: string, signature?: ToolSignature): Verdict {
  return { severity: "error", message, ...(signature === undefined ? {} : { signature: signature.text }) };
}

export function warn(message: string): Verdict {
  return { severity: "warning", message };
}

export function signatureOf(
  { root, path }: Reference,
  { signatures }: FaultContext,
): ToolSignature | undefined {
  return signatures.find([root, ...path]);
}

/** The tool whose call contains the fault, when it exists. */
export function calledTool(site: FaultSite, context: FaultContext): ToolSignature | undefined {
  return site.call && signatureOf(site.call.reference, context);
}

export function callableOf(reference: Reference): string {
  return writeReference(reference);
}

/** The names in single quotes, as TypeScript writes them. */
export function quoted(text: string): readonly string[] {
  return [...text.matchAll(/'([^']*)'/g)].map(([, name = ""]) => name);
}

const MAX_LISTED = 12;

export function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(", ");
  return names.length > MAX_LISTED ? `${shown}, … (${names.length} in all)` : shown;
}

/** A part of the program on one line, cut when it is long. */
export function textOf(node: SyntaxNode, { program }: FaultContext): string {
  const text = program.slice(startOf(node), Number(fieldOf(node, "end"))).replace(/\s+/g, " ");
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
