/** Where in a program's text a tool is called. Read as text: a parser can be stalled by a program. */
import type { ToolNamespaces } from "../../sandbox/index.ts";
import type { Position } from "../code/compile.ts";

/** Undefined unless the tool is called by its name in exactly one place. */
export function placeOfCall(code: string, tool: string, namespaces: ToolNamespaces): Position | undefined {
  const [callable, ...others] = callablesOf(tool, namespaces);
  if (callable === undefined || others.length > 0) return undefined;
  const pattern = callable.map((name) => name.replaceAll("$", "\\$")).join("\\s*\\.\\s*");
  const [found, ...more] = code.matchAll(new RegExp(`(?<![\\w$.])${pattern}(?=\\s*\\()`, "g"));
  if (found === undefined || more.length > 0) return undefined;
  const lines = code.slice(0, found.index + found[0].length).split(/\r\n|[\n\r\u2028\u2029]/);
  const name = callable.at(-1) ?? "";
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) - name.length + 1 };
}

function callablesOf(tool: string, { servers, locals }: ToolNamespaces): readonly (readonly string[])[] {
  const own = locals.filter(({ name }) => `local/${name}` === tool).map(({ global }) => [global]);
  const methods = servers.flatMap(({ name: server, global, tools }) =>
    tools.filter(({ name }) => `${server}/${name}` === tool).map(({ method }) => [global, method]),
  );
  return [...own, ...methods];
}
