/** Finds values in servers' entries that are probably mistakes: placeholders left unfilled, or syntax for a shell. */

import { isRecord } from "../json.ts";
import type { Path } from "./document.ts";
import type { ConfigRemark } from "./servers.ts";

/** Examines the settings that start and reach a server. A disabled server is not checked. Values are never echoed. */
export function remarksOnTexts({ mcpServers }: Record<string, unknown>): readonly ConfigRemark[] {
  if (!isRecord(mcpServers)) return [];
  return Object.entries(mcpServers).flatMap(([name, entry]) => {
    if (!isRecord(entry) || entry["disabled"] === true) return [];
    const inside = (["command", "args", "cwd", "env", "url", "headers"] as const).flatMap((key) =>
      textsIn(entry[key], ["mcpServers", name, key]),
    );
    return inside.flatMap(({ path, text }): readonly ConfigRemark[] => {
      const message = describe(text);
      return message === undefined ? [] : [{ path, part: "value", message }];
    });
  });
}

function textsIn(value: unknown, path: Path): readonly { readonly path: Path; readonly text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((item, index) => textsIn(item, [...path, index]));
  return isRecord(value) ? Object.entries(value).flatMap(([key, item]) => textsIn(item, [...path, key])) : [];
}

function describe(text: string): string | undefined {
  if (PLACEHOLDER.test(text)) return "looks like a placeholder that was never filled in";
  if (/^\$[A-Z_][A-Z0-9_]*(?=\/|$)/.test(text))
    return `begins with a shell's $NAME, which nothing expands: write \${NAME}`;
  if (/%[A-Z_][A-Z0-9_]*%/.test(text)) return `holds Windows's %NAME%, which nothing expands: write \${NAME}`;
  return undefined;
}

const PLACEHOLDER =
  /^(?:Bearer |--?[\w-]+=)?(?:<[^<>]+>|\[?YOUR[_ -][\w -]+\]?|your[_-][\w-]+[_-](?:here|key|token)|[\w-]+[_-]HERE|x{4,}|\.{3}|…)$|\/path\/to\/|\{\{.+\}\}/i;
