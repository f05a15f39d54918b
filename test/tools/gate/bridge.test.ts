import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { JournalEvent, JournalEventBody } from "../../../src/journal.ts";
import { createLog } from "../../../src/log.ts";
import { createHub } from "../../../src/mcp/hub.ts";
import type { LocalTool } from "../../../src/mcp/server.ts";
import { readState } from "../../../src/runs/record/run-state.ts";
import { builtinTool } from "../../../src/tools/builtin.ts";
import { buildCatalog } from "../../../src/tools/catalog.ts";
import { createArgumentChecker } from "../../../src/tools/checking/arguments.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { type Bridge, createBridge } from "../../../src/tools/gate/bridge.ts";
import type { GateCall } from "../../../src/tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../../src/tools/policy-layer.ts";
import type { JsonSchema } from "../../../src/tools/tool-source.ts";

/** As a journal has them. */
const numbered = (events: readonly JournalEventBody[]): JournalEvent[] =>
  events.map((event, index) => ({ seq: index + 1, at: 0, ...event }));

/** A real hub with tools in this process, the real gate, and a journal that is a list. */
function open(tools: readonly LocalTool[], layers: readonly PolicyLayer[] = []) {
  const common = { disabled: false, startTimeoutMs: 1_000, trustAnnotations: false, protocol: "auto" };
  const hub = createHub([{ ...common, name: "local", type: "local", tools }], { log: createLog("silent") });
  const catalog = buildCatalog(hub.sources(), { readOnly: [], idempotent: [] });
  const learned: unknown[] = [];
  const askedFor: string[] = [];
  const bridge: Bridge = createBridge({
    hub: {
      call: (server, tool, args, options) => {
        askedFor.push(options.principal);
        return hub.call(server, tool, args, options);
      },
      whenListed: hub.whenListed,
    },
    checker: createArgumentChecker(),
    catalog: () => catalog,
    log: createLog("silent"),
    learn: (principal, tool, value, chars) => learned.push([principal, tool.id, value, chars]),
  });
  const journal: JournalEventBody[] = [];
  let flush = async (): Promise<void> => undefined;
  let isHeld = (): boolean | Promise<boolean> => true;
  let n = 0;
  const deployment: PolicyLayer = { rule: "tools.allow", allow: ["*"], autoExecute: [], deployment: true };
  const request = (tool: string, args: string, more: Partial<GateCall> = {}): GateCall => {
    n += 1;
    return {
      principal: "ann",
      journal: { append: (event) => journal.push(event), flush: () => flush(), isHeld: () => isHeld() },
      n,
      id: `call_${n}`,
      tool,
      args,
      spelling: "program",
      catalog,
      policy: { layers: [deployment, ...layers] },
      consent: "ask",
      timeoutMs: 1_000,
      resultBytes: 1_000,
      signal: new AbortController().signal,
      ...more,
    };
  };
  return {
    bridge,
    journal,
    learned,
    askedFor,
    request,
    types: () =>
      journal.map((event) => (event.type === "decided" ? `decided ${event.decision}` : event.type)),
    onFlush: (act: () => Promise<void>) => {
      flush = act;
    },
    onIsHeld: (act: () => boolean | Promise<boolean>) => {
      isHeld = act;
    },
  };
}

function counter(options: { readonly readOnly?: boolean; readonly needsApproval?: boolean } = {}) {
  const seen: unknown[] = [];
  const tool = defineTool({
    name: "save",
    description: "Saves a note.",
    input: z.object({ text: z.string(), times: z.number().int().default(1) }),
    execute: (args) => {
      seen.push(args);
      return { saved: args.text };
    },
    ...options,
  });
  return { tool, seen };
}

describe("the gate", () => {
  it("journals every step of a call before the next one", async () => {
    const { tool, seen } = counter();
    const gate = open([tool]);
    const outcome = await gate.bridge.call(gate.request("local/save", '{"text":"a"}'));
    expect(outcome).toEqual({ type: "value", value: '{"saved":"a"}' });
    expect(gate.types()).toEqual(["requested", "decided auto", "started", "settled"]);
    expect(seen).toEqual([{ text: "a", times: 1 }]);
  });

  it("tells the hub for whom it calls", async () => {
    const { tool } = counter();
    const gate = open([tool]);
    await gate.bridge.call(gate.request("local/save", '{"text":"a"}'));
    await gate.bridge.call(gate.request("local/save", '{"text":"b"}', { principal: "bob" }));
    expect(gate.askedFor).toEqual(["ann", "bob"]);
  });

  it("takes the same steps for what the gateway answers itself, which no filter leaves out", async () => {
    const gate = open([], [{ rule: "tools_filter", allow: [] }]);
    const tool = builtinTool("tools", "echo", "Says it again.", {
      type: "object",
      properties: { text: { type: "string" } },
      required: ["text"],
    });
    const answer = async ({ text }: { readonly [name: string]: unknown }) =>
      ({ ok: true, value: text }) as const;
    const builtins = new Map([[tool.id, { tool, answer }]]);
    const call = gate.request("@tools/echo", '{"text":"a"}', { builtins, resultBytes: 5 });
    expect(await gate.bridge.call(call)).toEqual({ type: "value", value: '"a"' });
    expect(gate.types()).toEqual(["requested", "decided auto", "started", "settled"]);
    expect(gate.journal).toContainEqual(expect.objectContaining({ type: "started", readOnly: true }));
    expect(gate.learned).toEqual([]);
    const wrong = gate.request("@tools/echo", '{"text":1}', { builtins });
    expect(await gate.bridge.call(wrong)).toMatchObject({ failure: { kind: "invalid_arguments" } });
    const large = gate.request("@tools/echo", '{"text":"aaaa"}', { builtins, resultBytes: 5 });
    expect(await gate.bridge.call(large)).toMatchObject({ failure: { kind: "too_large" } });
  });

  it("knows nothing of what it was not given", async () => {
    const gate = open([]);
    expect(await gate.bridge.call(gate.request("@tools/echo", "{}"))).toMatchObject({
      failure: { kind: "unknown_tool" },
    });
    expect(gate.types()).toEqual(["requested", "settled"]);
  });

  it("tells what a tool itself gave, and nothing that came from elsewhere", async () => {
    const { tool } = counter();
    const broken = defineTool({
      name: "broken",
      description: "Fails.",
      input: z.object({}),
      execute: () => {
        throw new Error("no");
      },
    });
    const gate = open([tool, broken]);
    const save = (more: Partial<GateCall>) => gate.request("local/save", '{"text":"a"}', more);
    await gate.bridge.call(gate.request("local/broken", "{}"));
    await gate.bridge.call(save({ resultBytes: 1 }));
    await gate.bridge.call(save({ reuse: () => '{"saved":"earlier"}' }));
    await gate.bridge.resume(save({}), {
      step: "decided",
      decision: { type: "result", by: "ann", value: '{"supplied":true}' },
    });
    expect(gate.learned).toEqual([]);
    await gate.bridge.call(save({ principal: "bob" }));
    await gate.bridge.resume(save({}), { step: "decided", decision: { type: "approve", by: "ann" } });
    expect(gate.learned).toEqual([
      ["bob", "local/save", { saved: "a" }, 13],
      ["ann", "local/save", { saved: "a" }, 13],
    ]);
  });

  it("says in each decision which policy was asked", async () => {
    const { tool } = counter();
    const decidedBy = async (...layers: PolicyLayer[]): Promise<unknown> => {
      const gate = open([tool], layers);
      await gate.bridge.call(gate.request("local/save", '{"text":"a"}'));
      return gate.journal.find((event) => event.type === "decided")?.policy;
    };
    const plain = await decidedBy();
    expect(plain).toMatch(/^[0-9a-f]{16}$/);
    expect(await decidedBy()).toBe(plain);
    expect(await decidedBy({ rule: "tools_filter", allow: ["local/*"] })).not.toBe(plain);
  });

  it("shows, hashes and sends the same text, defaults filled in", async () => {
    const { tool } = counter();
    const gate = open([tool]);
    await gate.bridge.call(gate.request("local/save", '{ "text" : "a" }'));
    const decided = gate.journal.find((event) => event.type === "decided");
    const started = gate.journal.find((event) => event.type === "started");
    expect(decided).toMatchObject({ args: '{"text":"a","times":1}' });
    const { createHash } = await import("node:crypto");
    const hash = createHash("sha256").update('{"text":"a","times":1}').digest("hex");
    expect(started).toMatchObject({ argsHash: hash });
  });

  it("makes `started` durable before a call that is not read-only leaves, and does not wait for a reading one", async () => {
    const writer = counter();
    const gate = open([writer.tool]);
    const { promise: durable, resolve: commit } = Promise.withResolvers<void>();
    gate.onFlush(() => durable);
    const pending = gate.bridge.call(gate.request("local/save", '{"text":"a"}'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(gate.types().at(-1)).toBe("started");
    expect(writer.seen).toEqual([]);
    commit();
    await pending;
    expect(writer.seen).toHaveLength(1);

    const reader = counter({ readOnly: true });
    const reading = open([reader.tool]);
    reading.onFlush(() => new Promise(() => undefined));
    expect(await reading.bridge.call(reading.request("local/save", '{"text":"a"}'))).toMatchObject({
      type: "value",
    });
  });

  it("does not make the call when the journal can't be written, nor says so: the call stands where it stood", async () => {
    const { tool, seen } = counter();
    const gate = open([tool]);
    gate.onFlush(() => Promise.reject(new Error("disk full")));
    const call = gate.request("local/save", '{"text":"a"}');
    expect(await gate.bridge.call(call)).toEqual({ type: "unkept" });
    expect(seen).toEqual([]);
    expect(gate.types().slice(-2)).toEqual(["started", "decided auto"]);
    expect(gate.journal.at(-1)).toMatchObject({ decision: "auto", heldBack: true });
    expect(readState(numbered(gate.journal)).call(call.id)?.open).toEqual({ step: "requested" });
  });

  it.each([
    ["known at once", () => false],
    ["found out by asking", async () => false],
  ])("makes no call of a run that another process owns, reading ones included, as %s", async (_, isHeld) => {
    for (const readOnly of [true, false]) {
      const { tool, seen } = counter({ readOnly });
      const gate = open([tool]);
      let flushed = false;
      gate.onFlush(async () => {
        flushed = true;
      });
      gate.onIsHeld(() => {
        // Last: what takes time before it could let the run be lost again.
        expect(flushed).toBe(!readOnly);
        return isHeld();
      });
      const outcome = await gate.bridge.call(gate.request("local/save", '{"text":"a"}'));
      expect(outcome).toEqual({ type: "unkept" });
      expect(seen).toEqual([]);
      expect(gate.types()).toEqual(["requested", "decided auto", "started"]);
    }
  });

  it("tells what is wrong with arguments that never became JSON only to who may call the tool", async () => {
    const { tool, seen } = counter();
    const fault = { kind: "too_large", message: "the arguments are larger than 10 bytes" } as const;
    const gate = open([tool]);
    const allowed = await gate.bridge.call(gate.request("local/save", "null", { fault }));
    expect(allowed).toEqual({ type: "failure", failure: fault });
    const narrow = open([tool], [{ rule: "tools_filter", allow: [] }]);
    const refused = await narrow.bridge.call(narrow.request("local/save", "null", { fault }));
    expect(refused).toMatchObject({
      failure: { kind: "denied", message: expect.not.stringContaining("larger") },
    });
    const unknown = await gate.bridge.call(gate.request("local/nope", "null", { fault }));
    expect(unknown).toMatchObject({ failure: { kind: "unknown_tool" } });
    expect(seen).toEqual([]);
  });

  it.each([
    ["an unknown tool", "local/sve", "unknown_tool", /Nearest allowed: save\.$/],
    ["a name that only differs in case", "local/Save", "unknown_tool", /Nearest allowed: save\.$/],
    ["a property of every object", "__proto__/constructor", "unknown_tool", /no tool/],
  ])("refuses %s, names the nearest, and contacts nobody", async (_what, id, kind, words) => {
    const { tool, seen } = counter();
    const gate = open([tool]);
    const outcome = await gate.bridge.call(gate.request(id, "{}"));
    expect(outcome).toMatchObject({
      type: "failure",
      failure: { kind, message: expect.stringMatching(words) },
    });
    expect(gate.types()).toEqual(["requested", "settled"]);
    expect(seen).toEqual([]);
  });

  it("refuses a tool outside the set, naming the rule, before it looks at the arguments", async () => {
    const { tool, seen } = counter();
    const gate = open([tool], [{ rule: "tools_filter", allow: [] }]);
    const outcome = await gate.bridge.call(gate.request("local/save", "not json"));
    expect(outcome).toMatchObject({
      failure: { kind: "denied", message: expect.stringContaining("tools_filter") },
    });
    expect(seen).toEqual([]);
  });

  it.each(['{"text":1}', "{}", "[]", "null", '"x"', "{", '{"text":"a","times":1.5}'])(
    "refuses the arguments %s, and contacts nobody",
    async (args) => {
      const { tool, seen } = counter();
      const gate = open([tool]);
      const outcome = await gate.bridge.call(gate.request("local/save", args));
      expect(outcome).toMatchObject({ type: "failure", failure: { kind: "invalid_arguments" } });
      expect(seen).toEqual([]);
    },
  );

  it("refuses a result that is too large, after the call was made once", async () => {
    const gate = open([
      defineTool({ name: "big", description: "", input: z.object({}), execute: () => "x".repeat(2_000) }),
    ]);
    const outcome = await gate.bridge.call(gate.request("local/big", "{}"));
    expect(outcome).toMatchObject({
      failure: { kind: "too_large", message: expect.stringContaining("at least 2000 bytes") },
    });
  });

  it("a result that is no JSON is the tool's failure, not ours", async () => {
    const gate = open([defineTool({ name: "odd", description: "", input: z.object({}), execute: () => 1n })]);
    const outcome = await gate.bridge.call(gate.request("local/odd", "{}"));
    expect(outcome).toMatchObject({ failure: { kind: "tool" } });
  });
});

describe("a call that needs a person", () => {
  it("is pending with the arguments that would be sent, and nothing was sent", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const outcome = await gate.bridge.call(gate.request("local/save", '{"text":"a"}'));
    expect(outcome).toMatchObject({
      type: "pending",
      tool: "local/save",
      arguments: { text: "a", times: 1 },
    });
    expect(gate.types()).toEqual(["requested", "decided ask"]);
    expect(seen).toEqual([]);
  });

  it("is refused when the request wants no waiting", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const outcome = await gate.bridge.call(gate.request("local/save", '{"text":"a"}', { consent: "deny" }));
    expect(outcome).toMatchObject({
      failure: { kind: "denied", message: expect.stringContaining("approval") },
    });
    expect(gate.types()).toEqual(["requested", "decided denied", "settled"]);
    expect(seen).toEqual([]);
  });

  it("runs when a person asked for exactly this call", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    await gate.bridge.call(gate.request("local/save", '{"text":"a"}', { consent: { grantedBy: "ann" } }));
    expect(gate.journal[1]).toMatchObject({ decision: "approved", by: "ann" });
    expect(seen).toHaveLength(1);
  });

  it("goes on once it is approved, also with other arguments, which are validated too", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    await gate.bridge.call(call);
    const unfit = { type: "approve", by: "ann", args: '{"text":7}' } as const;
    expect(await gate.bridge.decide(call, unfit)).toMatchObject({ failure: { kind: "invalid_arguments" } });
    const decision = { type: "approve", by: "ann", args: '{"text":"b"}' } as const;
    expect(await gate.bridge.decide(call, decision)).toEqual({ ok: true });
    expect(gate.journal.at(-1)).toMatchObject({
      decision: "approved",
      by: "ann",
      args: '{"text":"b","times":1}',
      edited: true,
    });
    expect(seen).toEqual([]);
    const done = await gate.bridge.resume(call, { step: "decided", decision });
    expect(done).toEqual({ type: "value", value: '{"saved":"b"}' });
    expect(seen).toEqual([{ text: "b", times: 1 }]);
    expect(gate.types()).toEqual(["requested", "decided ask", "decided approved", "started", "settled"]);
  });

  it("is not made when the tool has left the allowed set since it was approved", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    await gate.bridge.call(call);
    const decision = { type: "approve", by: "ann" } as const;
    await gate.bridge.decide(call, decision);
    const policy = { layers: [{ rule: "tools.allow", allow: [] }] };
    const outcome = await gate.bridge.resume({ ...call, policy }, { step: "decided", decision });
    expect(outcome).toMatchObject({ failure: { kind: "denied" } });
    expect(seen).toEqual([]);
  });

  it("is not made when it is approved and the journal can't be written", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    await gate.bridge.call(call);
    const decision = { type: "approve", by: "ann" } as const;
    await gate.bridge.decide(call, decision);
    gate.onFlush(() => Promise.reject(new Error("disk full")));
    const outcome = await gate.bridge.resume(call, { step: "decided", decision });
    expect(outcome).toEqual({ type: "unkept" });
    expect(seen).toEqual([]);
    expect(readState(numbered(gate.journal)).call(call.id)?.open).toMatchObject({
      step: "decided",
      decision: { type: "approve", by: "ann" },
    });
  });

  it("can be denied with a reason, or given its result, without being made", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    await gate.bridge.call(call);
    const denial = { type: "deny", by: "ann", reason: "too late" } as const;
    expect(await gate.bridge.decide(call, denial)).toEqual({ ok: true });
    expect(await gate.bridge.resume(call, { step: "decided", decision: denial })).toEqual({
      type: "failure",
      failure: { kind: "denied", message: "too late" },
    });
    const supply = { type: "result", by: "ann", value: "[ 1 ]" } as const;
    expect(await gate.bridge.decide(call, supply)).toEqual({ ok: true });
    expect(gate.journal.at(-1)).toMatchObject({ decision: "result", value: "[1]" });
    expect(await gate.bridge.resume(call, { step: "decided", decision: supply })).toEqual({
      type: "value",
      value: "[ 1 ]",
    });
    expect(seen).toEqual([]);
  });

  it("is asked for again after a restart, with the arguments and the reason that were shown", async () => {
    const { tool, seen } = counter({ needsApproval: true });
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    const outcome = await gate.bridge.resume(call, {
      step: "asked",
      args: '{"text":"a","times":1}',
      reason: "why",
    });
    expect(outcome).toEqual({
      type: "pending",
      tool: "local/save",
      arguments: { text: "a", times: 1 },
      reason: "why",
    });
    expect(gate.journal).toEqual([]);
    expect(seen).toEqual([]);
  });
});

describe("a call that had left for its tool when the gateway stopped", () => {
  it("is made again when its tool changes nothing", async () => {
    const { tool, seen } = counter({ readOnly: true });
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    const outcome = await gate.bridge.resume(call, { step: "started", args: '{"text":"a","times":1}' });
    expect(outcome).toMatchObject({ type: "value" });
    expect(seen).toHaveLength(1);
  });

  it("is put to a person when its tool may have changed something: nothing is repeated silently", async () => {
    const { tool, seen } = counter();
    const gate = open([tool]);
    const call = gate.request("local/save", '{"text":"a"}');
    const outcome = await gate.bridge.resume(call, { step: "started", args: '{"text":"a","times":1}' });
    expect(outcome).toMatchObject({ type: "pending", reason: expect.stringContaining("in doubt") });
    expect(gate.types()).toEqual(["decided ask"]);
    expect(seen).toEqual([]);
  });

  it("is put to a person when its tool is not allowed any more", async () => {
    const { tool, seen } = counter({ readOnly: true });
    const gate = open([tool]);
    const policy = { layers: [{ rule: "tools.allow", allow: [] }] };
    const call = gate.request("local/save", '{"text":"a"}', { policy });
    const outcome = await gate.bridge.resume(call, { step: "started", args: '{"text":"a","times":1}' });
    expect(outcome).toMatchObject({ type: "pending" });
    expect(seen).toEqual([]);
  });
});

describe("a result that a person supplies", () => {
  const schema = z.object({ total: z.number() });
  const priced = defineTool({
    name: "price",
    description: "Says what it costs.",
    input: z.object({}),
    output: schema,
    execute: () => ({ total: 1 }),
    needsApproval: true,
  });

  it("must fit what the tool declares it returns, or the call waits on", async () => {
    const gate = open([priced]);
    const call = gate.request("local/price", "{}");
    await gate.bridge.call(call);
    const refused = await gate.bridge.decide(call, { type: "result", by: "ann", value: '{"total":"much"}' });
    expect(refused).toMatchObject({
      ok: false,
      failure: { message: expect.stringContaining("output schema") },
    });
    expect(gate.types()).toEqual(["requested", "decided ask"]);
    const taken = await gate.bridge.decide(call, { type: "result", by: "ann", value: '{"total":2}' });
    expect(taken).toEqual({ ok: true });
  });

  it("may have as many bytes as one of the tool's own, or the call waits on", async () => {
    const { tool } = counter({ needsApproval: true });
    const gate = open([tool]);
    const supply = (characters: number) =>
      ({ type: "result", by: "ann", value: JSON.stringify("é".repeat(characters)) }) as const;
    const call = gate.request("local/save", '{"text":"a"}', { resultBytes: 1_000 });
    await gate.bridge.call(call);
    expect(await gate.bridge.decide(call, supply(500))).toMatchObject({
      ok: false,
      failure: { kind: "too_large", message: expect.stringContaining("1002 bytes") },
    });
    expect(gate.types()).toEqual(["requested", "decided ask"]);
    expect(await gate.bridge.decide(call, supply(499))).toEqual({ ok: true });
  });
});

describe("text from a tool that declares what it gives", () => {
  const rows = { type: "object", properties: { rows: { type: "array" } }, required: ["rows"] } as const;
  const filled = {
    ...rows,
    properties: { ...rows.properties, page: { default: 1 } },
    required: ["rows", "page"],
  };
  const tool = (outputSchema: JsonSchema, value: unknown): LocalTool => ({
    name: "list",
    description: "",
    inputSchema: { type: "object" },
    outputSchema,
    annotations: {},
    needsApproval: false,
    execute: () => value,
  });

  it.each<[what: string, schema: JsonSchema, given: unknown, value: string]>([
    ["is the declared value when it fits", rows, ' {"rows":[1]}', '{"rows":[1]}'],
    ["keeps its digits", rows, '{"rows":[9007199254740993]}', '{"rows":[9007199254740993]}'],
    ["is no place for defaults", filled, '{"rows":[],"page":2}', '{"rows":[],"page":2}'],
    ["is a number where one is declared", { type: "number" }, "42", "42"],
    ["is an array where one is declared", { type: "array" }, "[1]", "[1]"],
    ["is text where text is declared", { type: "string" }, '{"rows":[1]}', '"{\\"rows\\":[1]}"'],
    ["is text where anything may come", true, '{"rows":[1]}', '"{\\"rows\\":[1]}"'],
    ["is read as without a declaration where that is no schema", { type: "dict" }, '{"a":1}', '{"a":1}'],
  ])("%s", async (_what, schema, given, value) => {
    const gate = open([tool(schema, given)]);
    expect(await gate.bridge.call(gate.request("local/list", "{}"))).toEqual({ type: "value", value });
    expect(gate.journal.at(-1)).not.toHaveProperty("note");
    expect(gate.learned).toEqual([]);
  });

  it.each<[what: string, given: string, note: RegExp]>([
    ["does not fit", '{"rows":"none"}', /declares: rows: expected array, got "none"\.$/],
    ["is no JSON", "3 rows", /declares: it is no JSON\.$/],
  ])("that %s is the text, with a note", async (_what, given, note) => {
    const gate = open([tool(rows, given)]);
    const outcome = await gate.bridge.call(gate.request("local/list", "{}"));
    expect(outcome).toEqual({ type: "value", value: JSON.stringify(given) });
    expect(gate.journal.at(-1)).toMatchObject({ type: "settled", note: expect.stringMatching(note) });
    expect(gate.learned).toEqual([["ann", "local/list", given, JSON.stringify(given).length]]);
  });

  it("is not read where the tool gave a value", async () => {
    const gate = open([tool(rows, { rows: "none" })]);
    const outcome = await gate.bridge.call(gate.request("local/list", "{}"));
    expect(outcome).toEqual({ type: "value", value: '{"rows":"none"}' });
    expect(gate.journal.at(-1)).not.toHaveProperty("note");
  });
});
