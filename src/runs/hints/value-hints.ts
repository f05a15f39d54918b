/** For values that are not what a program took them for: the hint names the keys of what the tool really returned. */

import { environmentNames } from "../../code/syntax/environment-names.ts";
import { isRecord } from "../../json.ts";
import { nearestNames } from "../../tools/nearest.ts";
import {
  type Chain,
  chainBefore,
  chainOf,
  type FailedProgram,
  follow,
  isOwn,
  lastResult,
  originOf,
  type ToolValue,
  toolCalled,
} from "./failing-value.ts";
import { hintForName } from "./name-hints.ts";
import { keysIn, kindOf, shapeOf } from "./value-shape.ts";

/** For `orders.rows.length` where there are no `rows`. */
export function hintForMissing(program: FailedProgram): string | undefined {
  const chain = chainBefore(textBefore(program));
  if (chain === undefined) return undefined;
  const last = chain.path.at(-1);
  if (chain.root === "globalThis" && typeof last === "string") return hintForName(last, program);
  const source = sourceOf(chain, program);
  if (source === undefined) return undefined;
  if (typeof source === "string") return source;
  const { from, path, isSure } = source;
  if (!isSure && chain.root === undefined) return undefined;
  const found = follow(from.value, path);
  const missing = isSure ? found.missing : last;
  if (missing === undefined) return isSure ? sayNull(from, path, found.value) : undefined;
  if (!isSure && keysIn(from.value).some((key) => key === missing)) return undefined;
  return `${JSON.stringify(missing)} is not there: ${sayShape(from)}.${suggest(missing, from.value, found.value)}`;
}

/** For `orders.map(…)`, and for `for (… of orders)`, where `orders` is no array. `words` are V8's for the expression. */
export function hintForNoArray(
  words: string,
  program: FailedProgram,
  use: "call" | "iterate",
): string | undefined {
  const chain = use === "call" ? receiverOf(words, program) : chainOf(words);
  if (chain === undefined) return undefined;
  const source = sourceOf(chain, program);
  if (typeof source === "string") return source;
  // The value that `const [first] = await …` takes apart has no name: it is the last result.
  const isLast = use === "iterate" && chain.root === undefined;
  if (source === undefined || !(source.isSure || isLast)) return undefined;
  const { from, path } = source;
  const { value, missing } = follow(from.value, path);
  if (missing !== undefined)
    return `${JSON.stringify(missing)} is not there: ${sayShape(from)}.${suggest(missing, from.value, value)}`;
  if (Array.isArray(value)) return undefined;
  const said = path.length === 0 ? sayShape(from) : `it is ${kindOf(value)}, as ${sayShape(from)}`;
  return `This is no array: ${said}.${useInstead(value, chain)}`;
}

/** The value that an array method was called on. V8 quotes no name for a value without one, so the text is read. */
function receiverOf(words: string, program: FailedProgram): Chain | undefined {
  const chain = chainOf(words);
  const method = chain?.path.at(-1);
  if (chain === undefined || typeof method !== "string" || !ofArrays.has(method)) return undefined;
  return chain.root === undefined
    ? chainBefore(textBefore(program))
    : { ...chain, path: chain.path.slice(0, -1) };
}

interface Source {
  readonly from: ToolValue;
  readonly path: Chain["path"];
  /** The program's text says that the chain begins with this very result. */
  readonly isSure: boolean;
}

/** The result that a chain's value came from. A sentence instead when a missing `await` is the cause. */
function sourceOf(
  { root, call, path }: Chain,
  { code, namespaces, run }: FailedProgram,
): Source | string | undefined {
  const tool = call === undefined ? undefined : toolCalled(call, namespaces);
  if (tool !== undefined) {
    const from = lastResult(run, namespaces, tool);
    return from && { from, path, isSure: true };
  }
  const origin = root === undefined ? undefined : originOf(root, code, namespaces);
  if (root !== undefined && origin !== undefined) {
    if (!origin.awaited) return `${root} is a Promise: write await ${origin.callable}(…).`;
    const from = lastResult(run, namespaces, origin.tool);
    return from && { from, path: [...origin.path, ...path], isSure: true };
  }
  // A variable of unknown origin alone gives no hint. In a chain the last name was read from some value.
  if (root !== undefined && (path.length === 0 || environmentNames.includes(root) || isOwn(root, code)))
    return undefined;
  const from = lastResult(run, namespaces);
  return from && { from, path, isSure: false };
}

function textBefore({ code, place }: FailedProgram): string {
  if (place === undefined) return "";
  const lines = code.split(/\r\n|[\n\r\u2028\u2029]/);
  const before = lines.slice(Math.max(0, place.line - 5), place.line - 1);
  return [...before, (lines[place.line - 1] ?? "").slice(0, place.column - 1)].join("\n");
}

function sayShape({ callable, value }: ToolValue): string {
  return `${callable} returned ${shapeOf(value)}`;
}

function sayNull(from: ToolValue, path: Chain["path"], value: unknown): string | undefined {
  if (value !== null) return undefined;
  if (path.length === 0) return `${from.callable} returned null: check for it before you read from it.`;
  return `${JSON.stringify(path.at(-1))} is null here: check for it, or write ?. after it.`;
}

/** The name that was probably meant: among the keys of the value that was read, else anywhere in the result. */
function suggest(missing: string | number, whole: unknown, holder: unknown): string {
  if (Array.isArray(holder))
    return typeof missing === "number"
      ? ` The array has ${holder.length === 0 ? "no elements" : `only ${holder.length}`}: look at its length first.`
      : " That was an array: take an element, or map over it.";
  if (typeof missing !== "string") return "";
  const near = isRecord(holder) ? nearestNames(missing, Object.keys(holder), 1) : [];
  const [meant] = near.length > 0 ? near : nearestNames(missing, keysIn(whole), 1);
  return meant === undefined || meant === missing ? "" : ` Did you mean ${JSON.stringify(meant)}?`;
}

function useInstead(value: unknown, { root, path }: Chain): string {
  if (typeof value === "string") return " Take the text apart first: .split(…).";
  if (!isRecord(value)) return "";
  const written = path.length === 0 && root !== undefined ? root : "";
  const arrays = Object.keys(value).filter((key) => Array.isArray(value[key]));
  if (arrays.length === 0) return " Its members are Object.values(…) or Object.entries(…).";
  return ` Use ${arrays
    .slice(0, 3)
    .map((key) => `${written}.${key}`)
    .join(" or ")}.`;
}

/** Methods by which a program shows that it takes a value for an array. */
const ofArrays: ReadonlySet<string> = new Set(
  "map filter find findIndex findLast forEach reduce some every slice sort toSorted flatMap flat join push concat includes at entries reverse".split(
    " ",
  ),
);
