/** A program's names besides its tools that the language does not provide. */
export const environmentNames: readonly string[] = [
  "tools",
  "runs",
  "input",
  "console",
  "sleep",
  "setTimeout",
  "clearTimeout",
  "crypto",
  "ToolError",
];

/** Names that hold functions whose calls leave the program, as a tool's do. */
export const callingNames: readonly string[] = ["tools", "runs"];
