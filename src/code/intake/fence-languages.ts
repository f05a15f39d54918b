/** Classifies the content of a code block by the language word after its marker. */

const PROGRAM: ReadonlySet<string> = new Set([
  ...[
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
    "nodejs",
    "es6",
  ],
  ...["typescriptreact", "javascriptreact", "ts-node", "deno", "bun"],
  // Words by which models mark a program to be run.
  ...["code", "program", "script", "run_code", "tool_code", "execute"],
]);
/** Sample data or output, never meant to be run. */
const DATA: ReadonlySet<string> = new Set([
  ...["json", "jsonc", "text", "txt", "output", "plaintext", "md", "markdown", "yaml", "yml", "csv", "xml"],
  ...["html", "diff", "log"],
]);
const OTHER: ReadonlySet<string> = new Set([
  ...["python", "py", "bash", "sh", "shell", "zsh", "console", "ruby", "go", "rust", "java", "php", "sql"],
]);

export function isProgramLanguage(language: string): boolean {
  return PROGRAM.has(language);
}

export function isDataLanguage(language: string): boolean {
  return DATA.has(language);
}

/** Whether a word names a language, rather than beginning a sentence. */
export function isLanguage(word: string): boolean {
  return PROGRAM.has(word) || DATA.has(word) || OTHER.has(word);
}
