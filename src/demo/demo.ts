/**
 * The configuration of a gateway that is started without one: three real kinds of connection, reading tools that run
 * automatically, and one writing tool that needs approval.
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { ServerSpec } from "../mcp/server.ts";
import { IN_MEMORY } from "../store/settings.ts";
import { defineTool } from "../tools/define-tool.ts";
import { createShopServer } from "./shop.ts";

export interface DemoConfig {
  /** The content of a configuration file, for the loader. */
  readonly config: unknown;
  /** Servers that a file cannot describe, because two of them live in this process. */
  readonly servers: readonly ServerSpec[];
}

/** Makes a fresh demo: its own shop, and `filesystem` with the shipped sample documents. Nothing is written to disk. */
export function demoConfig(): DemoConfig {
  return {
    config: {
      tools: { allow: ["*"], autoExecute: readingTools, readOnly: readingTools },
      store: { path: IN_MEMORY },
    },
    servers: [
      { ...common, name: "local", type: "local", tools: [calculator] },
      filesystem(),
      { ...common, name: "shop", type: "in-process", server: createShopServer() },
    ],
  };
}

const readingTools: readonly string[] = [
  "local/calculator",
  "filesystem/read_*",
  "filesystem/list_*",
  "filesystem/search_files",
  "filesystem/get_file_info",
  "filesystem/directory_tree",
  "shop/get_*",
  "shop/list_*",
];

const common = {
  disabled: false,
  startTimeoutMs: 30_000,
  trustAnnotations: false,
  protocol: "auto",
} as const;

const calculator = defineTool({
  name: "calculator",
  description: "Add, subtract, multiply or divide two numbers.",
  input: z.object({
    operation: z.enum(["add", "subtract", "multiply", "divide"]),
    a: z.number(),
    b: z.number(),
  }),
  output: z.number(),
  readOnly: true,
  execute: ({ operation, a, b }) => {
    switch (operation) {
      case "add":
        return a + b;
      case "subtract":
        return a - b;
      case "multiply":
        return a * b;
      case "divide":
        if (b === 0) throw new Error("Division by zero: b must not be 0.");
        return a / b;
    }
  },
});

/**
 * The reference server from its own package, with `demo/files` of this package: works in a checkout and in a tarball.
 */
function filesystem(): ServerSpec {
  const { resolve } = createRequire(import.meta.url);
  const folder = join(dirname(resolve("toolarium/package.json")), "demo", "files");
  const entry = resolve("@modelcontextprotocol/server-filesystem/dist/index.js");
  return {
    ...common,
    name: "filesystem",
    type: "stdio",
    command: process.execPath,
    args: [entry, folder],
    env: {},
    cwd: folder,
  };
}
