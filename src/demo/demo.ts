/**
 * What the gateway serves when it is started without a configuration: three real kinds of connection, reading tools
 * that run by themselves, and one writing tool that waits for a person.
 */

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import type { ServerSpec } from "../mcp/server.ts";
import { IN_MEMORY } from "../store/settings.ts";
import { defineTool } from "../tools/define-tool.ts";
import { createShopServer } from "./shop.ts";

export interface DemoConfig {
  /** As it would stand in a configuration file; for the loader. */
  readonly config: unknown;
  /** Servers that no file can describe, because two of them live in this process. */
  readonly servers: readonly ServerSpec[];
}

/** Makes a fresh demo: its own shop, and `filesystem` on the shipped sample documents. Nothing is kept on disk. */
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

/** The reference server, as its own package ships it, on `demo/files` of this package: checkout and tarball alike. */
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
