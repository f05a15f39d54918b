/** Markdown code fences in a model's text: where the blocks are and what language they claim. */

export interface Fence {
  /** First word after the marker, lower case; empty when there is none. */
  readonly language: string;
  /** Offsets of the block's content, markers excluded. */
  readonly start: number;
  readonly end: number;
  readonly closed: boolean;
}

const PROGRAM_LANGUAGES: ReadonlySet<string> = new Set([
  "js",
  "javascript",
  "ts",
  "typescript",
  "jsx",
  "tsx",
  "mjs",
  "cjs",
  "mts",
  "cts",
  "node",
  "es6",
]);
/** Blocks in these are sample data or output, never meant to be run. */
const DATA_LANGUAGES: ReadonlySet<string> = new Set([
  "json",
  "jsonc",
  "text",
  "txt",
  "output",
  "plaintext",
  "md",
  "markdown",
  "yaml",
  "yml",
  "csv",
  "xml",
  "html",
  "diff",
  "log",
]);

export function claimsProgram(fence: Fence): boolean {
  return PROGRAM_LANGUAGES.has(fence.language);
}

export function claimsData(fence: Fence): boolean {
  return DATA_LANGUAGES.has(fence.language);
}

/** All blocks, in order. A block whose closing marker is missing reaches to the end of the text. */
export function findFences(text: string): readonly Fence[] {
  const inline = inlineFence(text);
  if (inline !== undefined) return [inline];
  const fences: Fence[] = [];
  let open: { readonly marker: string; readonly language: string; readonly start: number } | undefined;
  for (const line of text.matchAll(/^[^\n]*(?:\n|$)/gm)) {
    const found = /^[ \t]*(?:[-*>][ \t]+)?(`{3,}|~{3,})([^\n`]*)\n?$/.exec(line[0]);
    if (!found?.[1]) continue;
    const marker = found[1];
    const label = (found[2] ?? "").trim();
    if (open === undefined) {
      const language = (/^[{.]*([\w+#-]*)/.exec(label)?.[1] ?? "").toLowerCase();
      open = { marker, language, start: line.index + line[0].length };
    } else if (label === "" && marker.startsWith(open.marker)) {
      fences.push({ language: open.language, start: open.start, end: line.index, closed: true });
      open = undefined;
    }
  }
  if (open !== undefined) fences.push(unclosed(text, open.language, open.start));
  return fences;
}

/** The whole text as one line: three backticks, perhaps a language, the code, three backticks. */
function inlineFence(text: string): Fence | undefined {
  const line = text.trim();
  if (line.length < 6 || line.includes("\n") || !line.startsWith("```") || !line.endsWith("```"))
    return undefined;
  const language = /^[a-z]+(?=[ \t])/i.exec(line.slice(3, 20))?.[0] ?? "";
  const start = text.indexOf("```") + 3 + language.length;
  const end = text.lastIndexOf("```");
  return { language: language.toLowerCase(), start, end: Math.max(start, end), closed: true };
}

/** The closing marker may stand at the end of the last line of code. */
function unclosed(text: string, language: string, start: number): Fence {
  let end = text.trimEnd().length;
  const marker = text[end - 1];
  const marked =
    end - start >= 3 && (marker === "`" || marker === "~") && text.endsWith(marker.repeat(3), end);
  if (marked) while (end > start && text[end - 1] === marker) end -= 1;
  return { language, start, end: marked ? end : text.length, closed: false };
}
