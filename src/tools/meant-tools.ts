/**
 * Finds the tool that a wrong spelling means: `shop__order`, `mcp.shop.order`, `shop.tools.getOrder`,
 * `functions.shop_order`. For messages only: the findings are never called. The caller passes the tools that may be
 * named.
 */
import { nearestNames } from "./nearest.ts";

/** A tool by its original names and by its names in a program. `method`: null for a tool that is itself a global. */
export interface NamedTool {
  readonly server: string;
  readonly global: string;
  readonly name: string;
  readonly method: string | null;
}

/** Longer chains never name a tool. */
const MAX_WORDS = 12;
const MAX_WORD_CHARS = 200;

/** Words that other hosts put after a tool's name: `shop.order.execute(…)`. */
const VERBS: ReadonlySet<string> = new Set(["call", "execute", "invoke", "run", "apply", "exec", "func"]);

/** `names` are the words of a chain, in order. Empty when they do not certainly mean a tool. */
export function meantTools<T extends NamedTool>(names: readonly string[], tools: readonly T[]): readonly T[] {
  const words = wordsOf(names);
  const found = meantBy(words, tools);
  if (found.length > 0 || words.length < 2 || !VERBS.has(words.at(-1) ?? "")) return found;
  return meantBy(words.slice(0, -1), tools);
}

/**
 * Functions of other hosts that take the tool as an argument: `client.callTool("order", …)`, `use_mcp_tool({ tool_name:
 * "order" })`.
 */
const CALLER = /call|invoke|exec|run|use|tool|mcp|request|dispatch/i;

/** The same for a call: when the chain means no tool, texts among its arguments may. */
export function meantByCall<T extends NamedTool>(
  { names, texts }: { readonly names: readonly string[]; readonly texts: readonly string[] },
  tools: readonly T[],
): readonly T[] {
  const meant = meantTools(names, tools);
  if (meant.length > 0 || !names.some((name) => CALLER.test(name))) return meant;
  const found = texts.map((text, index) => meantTools([...texts.toSpliced(index, 1), text], tools));
  return found.find((each) => each.length > 0) ?? [];
}

/** `Write shop.order(…).`; of several alternatives the first three. */
export function sayWrite(tools: readonly NamedTool[]): string {
  const written = [...new Set(tools.map(writeTool))].slice(0, 3).map((name) => `${name}(…)`);
  return `Write ${written.join(" or ")}.`;
}

/** The name in a program: `shop.get_user`, or `calculator` for a tool that is a global. */
export function writeTool({ global, method }: NamedTool): string {
  return method === null ? global : writeMember(global, method);
}

export function writeMember(holder: string, name: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
    ? `${holder}.${name}`
    : `${holder}[${JSON.stringify(name)}]`;
}

function wordsOf(names: readonly string[]): readonly string[] {
  return names
    .flatMap((name) => name.slice(0, MAX_WORD_CHARS).split(/__+|[/:.]/))
    .filter((word) => word !== "")
    .slice(0, MAX_WORDS);
}

function meantBy<T extends NamedTool>(words: readonly string[], tools: readonly T[]): readonly T[] {
  const last = words.at(-1);
  if (last === undefined) return [];
  const before = new Set(words.slice(0, -1).map(fold));
  const wanted = new Set([fold(last), fold(withoutHash(last))]);
  const sameName = tools.filter((tool) => namesOf(tool).some((name) => wanted.has(name)));
  const sameServer = sameName.filter((tool) => serversOf(tool).some((server) => before.has(server)));
  if (sameServer.length > 0) return sameServer;
  const joined = tools.filter((tool) => isJoined(tool, words));
  if (joined.length > 0) return joined;
  const [root] = words;
  if (root === undefined || words.length < 2) return sameName;
  const [near] = nearestNames(root, [...new Set(sameName.map(({ global }) => global))], 1);
  return near === undefined ? sameName : sameName.filter(({ global }) => global === near);
}

/** Server and tool in one word: `shopOrder`, `shop_order`, and the end of `mcp_shop_order`. */
function isJoined(tool: NamedTool, words: readonly string[]): boolean {
  const texts = [words.join(""), words.at(-1) ?? ""].flatMap((text) => [fold(text), fold(withoutHash(text))]);
  return serversOf(tool).some((server) =>
    namesOf(tool).some((name) => texts.some((text) => isEnd(text, server + name))),
  );
}

/** The word before it is one that other hosts put there. */
function isEnd(text: string, whole: string): boolean {
  return text.endsWith(whole) && WRAPPER.test(text.slice(0, -whole.length));
}

const WRAPPER = /^(?:mcp|tools?|functions?|codemode|api|defaultapi|client|server)*$/;

function withoutHash(word: string): string {
  return word.replace(/_[0-9a-f]{8,64}$/, "");
}

function namesOf({ name, method, global }: NamedTool): readonly string[] {
  return [fold(name), fold(method ?? global)];
}

function serversOf({ server, global, method }: NamedTool): readonly string[] {
  return method === null ? [fold(server)] : [fold(server), fold(global)];
}

function fold(name: string): string {
  return name.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
}
