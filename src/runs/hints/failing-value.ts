/**
 * Finds the value that a failure at run time was about, as far as the program's text tells: the chain of names at the
 * place of the failure, and the tool whose result its first name holds. Reads plain text, because a program could stall
 * a parser.
 */

import type { ToolNamespaces } from "../../../sandbox/index.ts";
import type { Position } from "../../code/compile.ts";
import { toGuestText } from "../record/guest-values.ts";
import type { RunState } from "../record/run-state.ts";

/** What is known of a run that failed. */
export interface FailedProgram {
  /** The author's text, and where in it the failure was. */
  readonly code: string;
  readonly place: Position | undefined;
  /** The names the program had. */
  readonly namespaces: ToolNamespaces;
  readonly run: RunState;
}

/** `orders.rows[0].client`: the names in order, an index as a number. */
export interface Chain {
  /** Undefined when the chain begins with something that has no name. */
  readonly root: string | undefined;
  /** The call that the chain begins with, when its result has no name: `shop.list` of `(await shop.list({})).rows`. */
  readonly call?: string;
  readonly path: readonly (string | number)[];
}

/** A result that a tool gave. */
export interface ToolValue {
  /** As a program calls it. */
  readonly callable: string;
  readonly value: unknown;
}

export interface Origin {
  /** As the program writes it. */
  readonly callable: string;
  /** Its id. */
  readonly tool: string;
  readonly awaited: boolean;
  /** Where in the result the variable's value is: `const { rows } = await …`, `const rows = (await …).rows`. */
  readonly path: Chain["path"];
}

const NAME = "[A-Za-z_$][\\w$]*";
const STEP = `\\??\\.${NAME}|(?:\\?\\.)?\\[(?:\\d{1,9}|"[^"\\]]{0,80}"|'[^'\\]]{0,80}')\\]`;
const CHAIN_AT_END = new RegExp(`(?<before>[).\\]]?)\\s?(?<root>${NAME})(?<steps>(?:${STEP})*)$`);
const CALL_AT_END = new RegExp(
  `\\(\\s?await\\s(?<call>${NAME}(?:${STEP})*)\\([^()]*(?:\\([^()]*\\)[^()]*)*\\)\\s?\\)(?<steps>(?:${STEP})*)$`,
);
const CHAIN_AT_START = new RegExp(
  `^(?<root>${NAME})(?<steps>(?:${STEP})*)(?:\\s?\\((?<args>.{0,300}))?`,
  "s",
);
const STEPS = new RegExp(STEP, "g");
/** Characters that are read backwards from the end of a text. The chains of real programs are shorter. */
const MAX_LOOK_BACK = 400;

/** The chain that ends where this text does; undefined when none does. Steps may stand on lines of their own. */
export function chainBefore(text: string): Chain | undefined {
  const joined = text.slice(-MAX_LOOK_BACK).replace(/\s+(?=\??\.)/g, "");
  const ending = joined.replace(/\??\.?\s*$/, "");
  const called = CALL_AT_END.exec(ending)?.groups;
  if (called !== undefined)
    return { root: undefined, call: called["call"] ?? "", path: stepsOf(called["steps"] ?? "") };
  const found = CHAIN_AT_END.exec(ending)?.groups;
  if (found === undefined) return undefined;
  const { before = "", root = "", steps = "" } = found;
  const path = stepsOf(steps);
  return before === "" ? { root, path } : { root: undefined, path: [root, ...path] };
}

/** The chain that this text begins with, and the texts given to it when it is called there. */
export function chainAfter(
  text: string,
): { readonly names: readonly string[]; readonly texts: readonly string[] } | undefined {
  const joined = text.slice(0, MAX_LOOK_BACK).replace(/\s+(?=\??\.)/g, "");
  const found = CHAIN_AT_START.exec(joined)?.groups;
  if (found === undefined) return undefined;
  const names = [found["root"] ?? "", ...stepsOf(found["steps"] ?? "").map(String)];
  const [args = ""] = (found["args"] ?? "").split(")", 1);
  const texts = [...args.matchAll(/"([^"]{1,100})"|'([^']{1,100})'|`([^`]{1,100})`/g)];
  return { names, texts: texts.slice(0, 6).map(([, a, b, c]) => a ?? b ?? c ?? "") };
}

/** Parses an expression as V8's messages quote it: `orders.rows`, `(intermediate value).rows`. */
export function chainOf(words: string): Chain | undefined {
  const INTERMEDIATE = "(intermediate value)";
  if (!words.startsWith(INTERMEDIATE)) {
    const chain = chainBefore(words);
    return chain?.root !== undefined && words.startsWith(chain.root) ? chain : undefined;
  }
  const steps = words.slice(INTERMEDIATE.length);
  return new RegExp(`^(?:${STEP})*$`).test(steps) ? { root: undefined, path: stepsOf(steps) } : undefined;
}

function stepsOf(steps: string): readonly (string | number)[] {
  return [...steps.matchAll(STEPS)].map(([step]) => {
    const bare = step.replace(/^\?\./, ".").replace(/^\.\[/, "[");
    if (bare.startsWith(".")) return bare.slice(1);
    const inside = bare.slice(1, -1);
    return /^\d/.test(inside) ? Number(inside) : inside.slice(1, -1);
  });
}

/** The tool's result that the program's text assigns to this variable. Of several assignments the last one counts. */
export function originOf(name: string, code: string, namespaces: ToolNamespaces): Origin | undefined {
  const escaped = name.replaceAll("$", "\\$");
  const call = `=\\s{0,20}\\(?(?<awaited>await\\s{1,20})?(?<callee>${NAME}(?:${STEP})*)\\s{0,20}\\(`;
  const given = new RegExp(`(?<![\\w$.])${escaped}\\s{0,20}(?::[^=\\n]{0,200})?${call}`, "g");
  const taken = new RegExp(
    `\\{[^{}]{0,200}(?<![\\w$])${escaped}(?![\\w$])[^{}]{0,200}\\}\\s{0,20}${call}`,
    "g",
  );
  const places = [
    ...[...code.matchAll(given)].map((match) => ({ match, destructured: false })),
    ...[...code.matchAll(taken)].map((match) => ({ match, destructured: true })),
  ].sort((a, b) => a.match.index - b.match.index);
  for (const { match, destructured } of places.toReversed()) {
    const callable = match.groups?.["callee"] ?? "";
    const tool = toolCalled(callable, namespaces);
    if (tool === undefined) continue;
    const after = stepsAfterCall(code, match.index + match[0].length);
    if (after === undefined) return undefined;
    const awaited = match.groups?.["awaited"] !== undefined;
    return { callable, tool, awaited, path: destructured ? [...after, name] : after };
  }
  return undefined;
}

/** Whether the program declares this name. */
export function isDeclared(name: string, code: string): boolean {
  const escaped = name.replaceAll("$", "\\$");
  return new RegExp(`(?<![\\w$])(?:const|let|var|function|class)\\s{1,20}${escaped}(?![\\w$])`).test(code);
}

/** Whether the program makes this variable's value itself: `const own = {`. */
export function isOwn(name: string, code: string): boolean {
  const escaped = name.replaceAll("$", "\\$");
  return new RegExp(`(?<![\\w$.])${escaped}\\s{0,20}=\\s{0,20}(?:[{["'\`\\d]|new\\s)`).test(code);
}

const STEPS_NEXT = new RegExp(`\\s*\\)?(?<steps>(?:\\s*(?:${STEP}))*)\\s*(?<called>\\()?`, "y");
/** Characters. Longer arguments are not scanned. */
const MAX_ARGUMENTS = 2_000;

/**
 * The steps that follow a call, whose arguments begin at `start`; undefined when the program uses the result otherwise.
 */
function stepsAfterCall(code: string, start: number): Chain["path"] | undefined {
  let depth = 1;
  let quote = "";
  for (let at = start; at < code.length && at < start + MAX_ARGUMENTS; at += 1) {
    const sign = code[at] ?? "";
    if (quote !== "") {
      if (sign === "\\") at += 1;
      else if (sign === quote) quote = "";
    } else if (/["'`]/.test(sign)) quote = sign;
    else if (/[([{]/.test(sign)) depth += 1;
    else if (/[)\]}]/.test(sign)) depth -= 1;
    if (depth > 0) continue;
    STEPS_NEXT.lastIndex = at + 1;
    const { steps = "", called } = STEPS_NEXT.exec(code)?.groups ?? {};
    return called === undefined ? stepsOf(steps.replace(/\s+/g, "")) : undefined;
  }
  return undefined;
}

/** The id of the tool that an expression like `shop.list` calls. */
export function toolCalled(
  callable: string,
  { servers, locals, functions = [] }: ToolNamespaces,
): string | undefined {
  const chain = chainOf(callable);
  if (chain?.root === undefined) return undefined;
  const [first, second] = chain.path;
  const hosted = functions.find(({ on, name }) => on === chain.root && name === first);
  if (hosted !== undefined) return `${hosted.server}/${hosted.tool}`;
  if (chain.path.length === 0) {
    const local = locals.find(({ global, hidden }) => global === chain.root && hidden !== true);
    return local && `local/${local.name}`;
  }
  if (chain.root === "tools") {
    const server = first === "local" ? locals : servers.find(({ name }) => name === first)?.tools;
    return server?.some(({ name }) => name === second) ? `${first}/${second}` : undefined;
  }
  const server = servers.find(({ global }) => global === chain.root);
  const tool = server?.tools.find(({ name, method }) => first === method || first === name);
  return server && tool && `${server.name}/${tool.name}`;
}

/** How a program calls the tool of this id. */
function callableOf(id: string, { servers, locals, functions = [] }: ToolNamespaces): string {
  const hosted = functions.find(({ server, tool }) => `${server}/${tool}` === id);
  if (hosted !== undefined) return `${hosted.on}.${hosted.name}`;
  for (const { name: server, global, tools } of servers)
    for (const { name, method } of tools) if (`${server}/${name}` === id) return `${global}.${method}`;
  return locals.find(({ name }) => `local/${name}` === id)?.global ?? id;
}

/** The last result of this tool, or of any; undefined when there is none. */
export function lastResult(run: RunState, namespaces: ToolNamespaces, tool?: string): ToolValue | undefined {
  const settled = run.settlements.findLast(
    ({ outcome, call }) => outcome.ok && (tool === undefined || run.call(call)?.tool === tool),
  );
  if (settled === undefined || !settled.outcome.ok) return undefined;
  const id = run.call(settled.call)?.tool ?? "";
  return { callable: callableOf(id, namespaces), value: JSON.parse(toGuestText(settled.outcome.value)) };
}

/** Where a path leads in a value: the last thing that is there, and the first name that is not. */
export function follow(
  value: unknown,
  path: readonly (string | number)[],
): { readonly value: unknown; readonly missing: string | number | undefined } {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step))
      return { value: at, missing: step };
    at = (at as { readonly [key: string | number]: unknown })[step];
  }
  return { value: at, missing: undefined };
}
