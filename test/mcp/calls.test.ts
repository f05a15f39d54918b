import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Hub } from "../../src/mcp/server.ts";
import { call, openHub, stateOf, stdio, toolNames } from "./hubs.ts";

const name = "answers-in-every-shape";
let hub: Hub;

beforeAll(async () => {
  hub = openHub([stdio(name)]);
  await hub.settled;
});

afterAll(async () => {
  await hub[Symbol.asyncDispose]();
});

describe("the result of a call", () => {
  test.each([
    ["structured", { from: "structure" }],
    ["json_text", { files: ["a", "b"] }],
    ["plain_text", "just words"],
    ["number_text", "42"],
    [
      "two_blocks",
      {
        content: [
          { type: "text", text: "one" },
          { type: "text", text: "two" },
        ],
      },
    ],
    ["image", { content: [{ type: "image", data: "AAAA", mimeType: "image/png" }] }],
    ["odd_block", { content: [{ type: "hologram", depth: 3 }] }],
    ["empty", null],
    ["nothing", null],
  ])("%s is unwrapped", async (tool, value) => {
    expect(await call(hub, name, tool)).toEqual({ ok: true, value });
  });

  test("stays text when the tool declares an output schema", async () => {
    expect(await call(hub, name, "json_text", {}, { hasOutputSchema: true })).toEqual({
      ok: true,
      value: '{"files":["a","b"]}',
    });
  });

  test("depends on the arguments, which arrive as they were given", async () => {
    const args = { path: "/a b", deep: [{ ünï: null }], n: 1.5 };
    expect(await call(hub, name, "echo", args)).toEqual({ ok: true, value: { arguments: args } });
  });
});

describe("the failure of a call", () => {
  test.each([
    ["is_error", { kind: "tool", message: "the index is locked" }],
    [
      "is_error_about_arguments",
      {
        kind: "invalid_arguments",
        message: "Input validation error: Invalid arguments for tool x: path is required",
      },
    ],
    ["is_error_about_missing", { kind: "unknown_tool", message: "Unknown tool: is_error_about_missing" }],
    ["is_error_with_details", { kind: "tool", message: "quota used up", data: { left: 0 } }],
    ["rpc_error", { kind: "tool", message: "the backend is away" }],
    ["rpc_error_about_arguments", { kind: "invalid_arguments", message: "a must be a number" }],
    ["rpc_error_about_missing", { kind: "unknown_tool", message: "Tool rpc_error_about_missing not found" }],
    ["not_found_itself", { kind: "tool", message: "File notes.txt not found" }],
  ])("%s has one shape", async (tool, failure) => {
    expect(await call(hub, name, tool)).toEqual({ ok: false, failure });
    expect(stateOf(hub, name).state).toBe("ready");
  });

  test("never holds a configured secret", async () => {
    await using hub = openHub([stdio(name, [], { env: { API_KEY: "sk-very-secret" } })]);
    expect(await call(hub, name, "tells_secret")).toEqual({
      ok: false,
      failure: { kind: "tool", message: "key [redacted] was refused" },
    });
  });
});

describe("a call without an answer", () => {
  test("ends with kind timeout when its time is up, and is cancelled at the server", async () => {
    const outcome = await call(hub, name, "hang", { call: 1 }, { timeoutMs: 50 });

    expect(outcome).toEqual({
      ok: false,
      failure: { kind: "timeout", message: "The tool did not answer within 50 ms." },
    });
    expect(await call(hub, name, "cancellations")).toEqual({ ok: true, value: [{ call: 1 }] });
    expect(stateOf(hub, name).state).toBe("ready");
  });

  test("is bound by the smaller of its own and the server's timeout", async () => {
    await using hub = openHub([stdio(name, [], { timeoutMs: 60 })]);
    await hub.settled;
    expect(await call(hub, name, "hang", {}, { timeoutMs: 10_000 })).toMatchObject({
      ok: false,
      failure: { message: "The tool did not answer within 60 ms." },
    });
  });

  test("ends with kind cancelled when its signal aborts, and is cancelled at the server", async () => {
    const abort = new AbortController();
    const pending = call(hub, name, "hang", { call: 2 }, { signal: abort.signal });
    await call(hub, name, "empty");

    abort.abort();

    expect(await pending).toEqual({
      ok: false,
      failure: { kind: "cancelled", message: "The call was cancelled." },
    });
    expect(await call(hub, name, "cancellations")).toEqual({ ok: true, value: [{ call: 2 }] });
  });

  test("is not sent at all when its signal is aborted already", async () => {
    const before = await call(hub, name, "calls");
    const outcome = await call(hub, name, "hang", {}, { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ ok: false, failure: { kind: "cancelled" } });
    expect(Number(Object(await call(hub, name, "calls")).value)).toBe(Number(Object(before).value) + 1);
  });
});

describe("the list of tools", () => {
  test("holds every good tool, sorted; each malformed one is set aside alone, with the reason", async () => {
    await using hub = openHub([stdio("lists-malformed-tools")]);
    await hub.settled;

    expect(toolNames(hub, "lists-malformed-tools")).toEqual(["apple", "long_job", "zebra"]);
    const state = stateOf(hub, "lists-malformed-tools");
    expect(state).toMatchObject({ state: "ready", tools: 3 });
    expect(state.quarantined).toEqual([
      { tool: "text_type", reason: 'inputSchema.type must be "object", got "string"' },
      { tool: "(unnamed)", reason: "name must be a non-empty string, got nothing" },
      { tool: "text_schema", reason: 'inputSchema must be an object, got "{}"' },
      { tool: "(unnamed)", reason: 'a tool must be an object, got "not even an object"' },
      { tool: "apple", reason: "another tool of this server has the same name" },
    ]);
    expect(await call(hub, "lists-malformed-tools", "apple")).toEqual({ ok: true, value: "called apple" });
  });

  test("tells of a tool that demands an MCP task, which cannot be called", async () => {
    await using hub = openHub([stdio("lists-malformed-tools")]);
    await hub.settled;
    const [source] = hub.sources();
    const task = source?.tools.find((tool) => tool.name === "long_job");
    expect(task?.unavailable).toBe("It runs only as an MCP task, which this gateway does not support.");
    expect(await call(hub, "lists-malformed-tools", "long_job")).toEqual({
      ok: false,
      failure: { kind: "unavailable", message: task?.unavailable },
    });
  });

  test.each([
    [false, undefined],
    [true, true],
  ])(
    "with trustAnnotations %s a server's hints make a tool read-only: %s",
    async (trustAnnotations, expected) => {
      await using hub = openHub([stdio("lists-malformed-tools", [], { trustAnnotations })]);
      await hub.settled;
      const apple = hub.sources()[0]?.tools.find((tool) => tool.name === "apple");
      expect(apple?.readOnly).toBe(expected);
      expect(apple?.idempotent).toBe(expected);
      expect(apple?.annotations).toEqual({ readOnlyHint: true, idempotentHint: true });
    },
  );

  test("is read over all its pages", async () => {
    await using hub = openHub([stdio("lists-in-pages")]);
    await hub.settled;
    const names = toolNames(hub, "lists-in-pages");
    expect(names.length).toBe(50);
    expect(names).toEqual([...names].sort());
    expect(stateOf(hub, "lists-in-pages").quarantined).toEqual([]);
  });

  test("that never ends is cut, and says so", async () => {
    await using hub = openHub([stdio("lists-in-pages", ["endless"])]);
    await hub.settled;
    expect(stateOf(hub, "lists-in-pages")).toMatchObject({
      state: "ready",
      tools: 50,
      quarantined: [{ tool: "(rest of the list)", reason: "only the first 100 pages are read" }],
    });
  });

  test("is empty for a server that has no tools at all", async () => {
    await using hub = openHub([stdio("has-no-tools")]);
    await hub.settled;
    expect(stateOf(hub, "has-no-tools")).toMatchObject({ state: "ready", tools: 0, lastError: null });
    expect(hub.sources()).toEqual([{ server: "has-no-tools", tools: [] }]);
  });

  test("that is no list fails the server with that reason", async () => {
    await using hub = openHub([stdio("has-no-tools", ["text"])]);
    await hub.settled;
    expect(stateOf(hub, "has-no-tools")).toMatchObject({
      state: "failed",
      lastError: "its tool list is not a list",
    });
  });

  test("is seen by the caller of onChange as soon as the server is ready", async () => {
    await using hub = openHub([stdio(name)]);
    const changed = vi.fn();
    hub.onChange(() => changed(toolNames(hub, name).length));
    await hub.settled;
    expect(changed.mock.calls).toEqual([[24]]);
  });
});
