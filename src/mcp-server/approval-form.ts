/**
 * A waiting call as a form for a person: its arguments, each in a field of its own, and a decision. Forms hold flat
 * fields only, so an argument that is a list or an object is a text of JSON.
 */
import type { ElicitRequestFormParams } from "@modelcontextprotocol/server";
import { isExact, parseJson } from "../json.ts";
import type { PendingCall } from "../runs/record/report-shape.ts";
import type { HumanDecision } from "../tools/gate/gate-call.ts";
import type { Said } from "./exchange.ts";

/** `undecided`: the person closed the form. `fault`: what is wrong with what came. */
export type Read =
  | { readonly type: "decision"; readonly decision: HumanDecision }
  | { readonly type: "undecided" }
  | { readonly type: "fault"; readonly message: string };

type Field = ElicitRequestFormParams["requestedSchema"]["properties"][string];

const DECISION = "decision";
const REASON = "reason";
const ARGUMENT = "arguments.";
/** Fields and characters that a person reads in a form; what is larger is shown and not edited. */
const MAX_FIELDS = 12;
const MAX_FIELD_CHARS = 4_000;

/** `fault`: what was wrong with an answer to this form before. */
export function approvalForm(pending: PendingCall, fault?: string): ElicitRequestFormParams {
  const { tool, reason } = pending;
  const fields = argumentFields(pending);
  const shown = fields === undefined ? `\n\nArguments: ${shorten(textOf(pending.arguments))}` : "";
  return {
    mode: "form",
    message: `${fault === undefined ? "" : `${fault}\n\n`}A program wants to call ${tool}. ${reason}${shown}`,
    requestedSchema: {
      type: "object",
      properties: {
        [DECISION]: {
          type: "string",
          title: "Decision",
          description: "approve: the call is made with these arguments. deny: it is not made.",
          enum: ["approve", "deny"],
        },
        ...fields,
        [REASON]: { type: "string", title: "Reason", description: "Told to the program if you deny." },
      },
      required: [DECISION],
    },
  };
}

/** What the person who was shown this call's form said. `by`: their principal. */
export function readApproval(pending: PendingCall, { action, content }: Said, by: string): Read {
  switch (action) {
    case "cancel":
      return { type: "undecided" };
    case "decline":
      return decided({ type: "deny", by, reason: "The person declined." });
    case "accept":
      switch (content[DECISION]) {
        case "deny": {
          const reason = content[REASON];
          return decided({
            type: "deny",
            by,
            ...(typeof reason === "string" && reason !== "" ? { reason } : {}),
          });
        }
        case "approve":
          return readEdits(pending, content, by);
        default:
          return { type: "fault", message: `Choose "approve" or "deny" as the decision.` };
      }
  }
}

function readEdits(pending: PendingCall, content: Said["content"], by: string): Read {
  const fields = argumentFields(pending);
  const args: { [name: string]: unknown } = { ...(pending.arguments as object) };
  let isEdited = false;
  for (const key of Object.keys(fields ?? {})) {
    const name = key.slice(ARGUMENT.length);
    const came = content[key];
    if (came === undefined || came === null) continue;
    const before = args[name];
    const value = isPlain(before) ? came : readText(came);
    if (value === undefined)
      return { type: "fault", message: `The argument ${JSON.stringify(name)} is not valid JSON.` };
    if (JSON.stringify(value) === JSON.stringify(before)) continue;
    Object.defineProperty(args, name, { value, enumerable: true, writable: true, configurable: true });
    isEdited = true;
  }
  return decided({ type: "approve", by, ...(isEdited ? { args: JSON.stringify(args) } : {}) });
}

function decided(decision: HumanDecision): Read {
  return { type: "decision", decision };
}

/** Undefined when the arguments are too many or too large for a form. */
function argumentFields({ arguments: args }: PendingCall): { readonly [key: string]: Field } | undefined {
  if (typeof args !== "object" || args === null || Array.isArray(args)) return undefined;
  const entries = Object.entries(args);
  const chars = entries.reduce((sum, [, value]) => sum + textOf(value).length, 0);
  if (entries.length > MAX_FIELDS || chars > MAX_FIELD_CHARS) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [`${ARGUMENT}${name}`, fieldOf(name, value)]));
}

function fieldOf(title: string, value: unknown): Field {
  switch (typeof value) {
    case "string":
      return { type: "string", title, default: value };
    case "boolean":
      return { type: "boolean", title, default: value };
    case "number":
      return { type: "number", title, default: value };
    default:
      return { type: "string", title: `${title} (JSON)`, default: textOf(value) };
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "boolean" || typeof value === "number";
}

function readText(text: unknown): unknown {
  if (typeof text !== "string") return text;
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return isExact(value) ? value.rawJSON : (JSON.stringify(value) ?? "null");
}

function shorten(text: string): string {
  if (text.length <= MAX_FIELD_CHARS) return text;
  return `${text.slice(0, MAX_FIELD_CHARS).toWellFormed()}… (${text.length} characters)`;
}
