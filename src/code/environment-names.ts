/** What the prelude installs beside the tools: the names every program has and the language does not. */
export const environmentNames: readonly string[] = [
  "tools",
  "input",
  "console",
  "sleep",
  "setTimeout",
  "clearTimeout",
  "crypto",
  "ToolError",
];
