import { McpServer } from "@modelcontextprotocol/server";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import type { LocalTool, ServerSpec } from "../../src/mcp/server.ts";
import { until } from "../helpers/until.ts";
import { call, common, openHub, stateOf, toolNames } from "./hubs.ts";

describe("an MCP server object in this process", () => {
  test("answers calls with data of its own", async () => {
    const shared = { rows: [1, 2], at: new Date(0), skipped: undefined };
    const server = new McpServer({ name: "shop", version: "1.0.0" });
    server.registerTool("rows", { inputSchema: z.object({}) }, () => ({
      content: [],
      structuredContent: shared as unknown as Record<string, unknown>,
    }));
    await using hub = openHub([inProcess(server)]);

    const outcome = await call(hub, "shop", "rows");

    shared.rows.push(3);
    expect(outcome).toStrictEqual({ ok: true, value: { rows: [1, 2], at: "1970-01-01T00:00:00.000Z" } });
    expect(stateOf(hub, "shop")).toMatchObject({
      state: "ready",
      serverInfo: { name: "shop", version: "1.0.0" },
    });
  });

  test("sees its calls cancelled, and its changes are seen", async () => {
    const cancelled = vi.fn();
    const server = new McpServer({ name: "shop", version: "1.0.0" });
    server.registerTool("hang", { inputSchema: z.object({}) }, (_args, ctx) => {
      ctx.mcpReq.signal.addEventListener("abort", cancelled);
      return new Promise(() => {});
    });
    await using hub = openHub([inProcess(server)]);
    await hub.settled;

    expect(await call(hub, "shop", "hang", {}, { timeoutMs: 30 })).toMatchObject({
      ok: false,
      failure: { kind: "timeout" },
    });
    await until("the tool sees the cancellation", () => cancelled.mock.calls.length === 1);

    server.registerTool("new", { inputSchema: z.object({}) }, () => ({ content: [] }));
    await until("the new tool is listed", () => toolNames(hub, "shop").includes("new"), 1_000);
  });

  test("that answers what JSON cannot hold fails the call with that reason", async () => {
    const server = new McpServer({ name: "shop", version: "1.0.0" });
    server.registerTool("big", { inputSchema: z.object({}) }, () => ({
      content: [],
      structuredContent: { n: 1n } as Record<string, unknown>,
    }));
    await using hub = openHub([inProcess(server)]);
    expect(await call(hub, "shop", "big")).toEqual({
      ok: false,
      failure: {
        kind: "tool",
        message: "The result cannot be written as JSON: Do not know how to serialize a BigInt",
      },
    });
  });

  test("that closes is connected to anew", async () => {
    const server = new McpServer({ name: "shop", version: "1.0.0" });
    server.registerTool("ping", { inputSchema: z.object({}) }, () => ({
      content: [{ type: "text", text: "pong" }],
    }));
    await using hub = openHub([inProcess(server)]);
    await hub.settled;

    await server.close();

    await until("the server is failed", () => stateOf(hub, "shop").state === "failed");
    await until("the server is ready", () => stateOf(hub, "shop").state === "ready");
    expect(await call(hub, "shop", "ping")).toEqual({ ok: true, value: "pong" });
  });
});

describe("tools defined in code", () => {
  test("are known at once, with all that was said of them", async () => {
    await using hub = openHub([local([tool("read", () => 1, { positional: ["path"], readOnly: true })])]);

    expect(stateOf(hub, "local")).toMatchObject({ state: "ready", tools: 1 });
    expect(hub.sources()).toEqual([
      {
        server: "local",
        tools: [
          {
            name: "read",
            description: "",
            inputSchema: { type: "object" },
            annotations: {},
            positional: ["path"],
            readOnly: true,
          },
        ],
      },
    ]);
  });

  test.each<[string, () => unknown, unknown]>([
    ["a value", () => ({ n: 1, at: new Date(0), f: () => 1 }), { n: 1, at: "1970-01-01T00:00:00.000Z" }],
    ["a promise", () => Promise.resolve([1]), [1]],
    ["nothing", () => undefined, null],
    ["text that looks like JSON", () => "[1]", "[1]"],
  ])("may return %s", async (_what, execute, value) => {
    await using hub = openHub([local([tool("f", execute)])]);
    expect(await call(hub, "local", "f")).toStrictEqual({ ok: true, value });
  });

  test.each<[string, () => unknown, string]>([
    [
      "throws",
      () => {
        throw new TypeError("the path is empty");
      },
      "the path is empty",
    ],
    ["rejects with something that is no error", () => Promise.reject("no luck"), "no luck"],
    [
      "returns what JSON cannot hold",
      () => 1n,
      'The tool "f" returned a value that cannot be written as JSON: Do not know how to serialize a BigInt',
    ],
  ])("that %s fails with its message", async (_what, execute, message) => {
    await using hub = openHub([local([tool("f", execute)])]);
    expect(await call(hub, "local", "f")).toEqual({ ok: false, failure: { kind: "tool", message } });
  });

  test("that does not exist is unknown", async () => {
    await using hub = openHub([local([])]);
    expect(await call(hub, "local", "f")).toMatchObject({ ok: false, failure: { kind: "unknown_tool" } });
  });

  test("that never answers is timed out, and its signal aborts", async () => {
    const aborted = vi.fn();
    const hang = tool("hang", (_args, { signal }) => {
      signal.addEventListener("abort", aborted);
      return new Promise(() => {});
    });
    await using hub = openHub([local([hang])]);
    expect(await call(hub, "local", "hang", {}, { timeoutMs: 20 })).toEqual({
      ok: false,
      failure: { kind: "timeout", message: "The tool did not answer within 20 ms." },
    });
    expect(aborted).toHaveBeenCalledOnce();
  });

  test("in flight when the hub is disposed are unavailable", async () => {
    const hub = openHub([local([tool("hang", () => new Promise(() => {}))])]);
    const pending = call(hub, "local", "hang");
    await hub[Symbol.asyncDispose]();
    expect(await pending).toMatchObject({ ok: false, failure: { kind: "unavailable" } });
    expect(stateOf(hub, "local").state).toBe("closed");
  });
});

function inProcess(server: McpServer): ServerSpec {
  return { ...common, name: "shop", type: "in-process", server };
}

function local(tools: readonly LocalTool[]): ServerSpec {
  return { ...common, name: "local", type: "local", tools };
}

function tool(name: string, execute: LocalTool["execute"], more: Partial<LocalTool> = {}): LocalTool {
  return { name, description: "", inputSchema: { type: "object" }, annotations: {}, execute, ...more };
}
