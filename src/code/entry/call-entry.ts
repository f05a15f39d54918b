/** The call of a program's entry function with its arguments, or the reason why they cannot be supplied. */
import { nearestNames } from "../../tools/nearest.ts";
import type { InputShape } from "../syntax/input-shape.ts";
import { type FunctionNode, fieldOf } from "../syntax/parse.ts";
import type { Draft } from "./draft.ts";
import { dropGivenNames } from "./given-names.ts";
import type { Missing } from "./parameter-values.ts";
import { fillParameters } from "./parameters.ts";

/** The text after the function that calls it: `(input.name)`. */
export function callText(draft: Draft, fn: FunctionNode): string {
  const { args, insertions, missing } = fillParameters(fn, draft.context);
  draft.rewrites.push(...dropGivenNames(fn, draft.context));
  draft.insertions.push(...insertions);
  const [first] = missing;
  if (first !== undefined) {
    const message = sayMissing(nameOf(fn), missing, draft.context.input);
    draft.notes.push({ severity: "error", message, offset: first.offset });
  }
  return `(${args})`;
}

function nameOf(fn: FunctionNode): string {
  const name = (fieldOf(fn, "id") as { readonly name?: string } | null | undefined)?.name;
  return name ?? "The function";
}

const MAX_NAMES = 10;

function sayMissing(fn: string, missing: readonly Missing[], { kind, fields }: InputShape): string {
  const names = missing.map(({ name }) => name);
  const needed = listed(names.map((name) => JSON.stringify(name)));
  if (kind === "null") {
    const sent = names.map((name) => `${JSON.stringify(name)}: …`).join(", ");
    return `${fn} needs ${needed}, and there is no input. Write the values into the program, or send it with "input": {${names.includes("input") ? "…" : sent}}.`;
  }
  const [near] = names.flatMap((name) => nearestNames(name, fields, 1));
  const has =
    kind === "object"
      ? `the input has no such field; it has ${listed(fields) || "none"}.${near === undefined ? "" : ` Did you mean ${near}?`}`
      : `the input is ${KINDS[kind]}.`;
  return `${fn} needs ${needed}: ${has} Read what you need from the global \`input\`, or give the parameter a default.`;
}

function listed(names: readonly string[]): string {
  return names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? ", …" : "");
}

const KINDS: { readonly [kind in InputShape["kind"]]: string } = {
  null: "null",
  boolean: "a boolean",
  number: "a number",
  string: "a string",
  array: "an array",
  object: "an object",
  unknown: "not known",
};
