/** What a program has beside its tools: the names that the language does not give. */
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

/** Those that hold functions whose calls leave the program, as a tool's do. */
export const callingNames: readonly string[] = ["tools", "runs"];
