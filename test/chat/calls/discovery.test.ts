/** Tools beyond the model's budget: it finds the one that it needs, reads its declaration, and calls it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalTool } from "../../../src/mcp/server.ts";
import { countTokens } from "../../../src/tokens.ts";
import type { Fields } from "../../../src/upstream/model.ts";
import {
  conversation,
  offered,
  type ScriptedTurn,
  type Stage,
  startStage,
  systemMessage,
} from "../helpers/scripted.ts";

const folder = mkdtempSync(join(tmpdir(), "toolarium-"));
const parts = [
  "pallets",
  "forklifts",
  "gates",
  "scales",
  "shelves",
  "crates",
  "labels",
  "seals",
  "trucks",
  "docks",
];
const depot: readonly LocalTool[] = Array.from({ length: 500 }, (_, at) => {
  const part = parts[at % parts.length];
  return {
    name: `check_${part}_${String(Math.floor(at / parts.length)).padStart(2, "0")}`,
    description: `Checks the ${part} of hall ${Math.floor(at / parts.length)}.`,
    inputSchema: {
      type: "object",
      properties: { since: { type: "string", description: "A date." }, strict: { type: "boolean" } },
      required: ["since"],
    },
    annotations: {},
    readOnly: true,
    execute: ({ since }) => ({ at, since }),
  };
});
const wanted = "depot/check_trucks_37";

let stage: Stage;
beforeAll(async () => {
  const tools = { allow: ["shop/stock", "shop/items", "shop/order", "depot/*"], autoExecute: ["depot/*"] };
  stage = await startStage({ store: join(folder, "runs.db"), depot, tools });
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let count = 0;
const fresh = (rest: Fields = {}): Fields => {
  count += 1;
  return { model: "test/m", mode: "code", messages: [{ role: "user", content: `go ${count}` }], ...rest };
};
const contents = (request: Parameters<typeof conversation>[0]): readonly string[] =>
  conversation(request)
    .filter(({ role }) => role === "tool")
    .map(({ content }) => String(content));
const finding: readonly ScriptedTurn[] = [
  { calls: [["search_tools", { query: "trucks hall 37", limit: 3 }]] },
  { calls: [["describe_tools", { names: [wanted] }]] },
];
const calling: ScriptedTurn = {
  calls: [["run_code", { code: 'return await depot.check_trucks_37({ since: "2026-01-01" })' }]],
};

describe("of 503 tools", () => {
  test("a model sees those that fit its budget, always in the same words, and finds and calls another", async () => {
    const asked = stage.play(...finding, calling, "It is fine.");
    const { body: answer } = await stage.chat.ask(fresh());
    expect(answer.choices[0].message.content).toBe("It is fine.");

    const prompt = String(systemMessage(asked[0]));
    const [, declared = ""] = /The tools:\n\n```ts\n(.*?)\n```/s.exec(prompt) ?? [];
    expect(declared).toMatch(/^\/\/ \d+ of 503 tools shown\..*\n\/\/ Not shown, by server: depot \d+\.\n/);
    expect(countTokens(declared)).toBeLessThanOrEqual(4_000);
    expect(countTokens(declared)).toBeGreaterThan(3_700);
    expect(declared).toContain("stock(");
    expect(prompt).not.toContain("check_trucks_37");
    expect(asked.map(systemMessage)).toEqual(Array(4).fill(prompt));
    expect(asked.map((request) => offered(request).map(({ name }) => name))).toEqual(
      Array(4).fill(["run_code", "search_tools", "describe_tools"]),
    );

    const [found = "", described, result = ""] = contents(asked[3]);
    expect(JSON.parse(found).tools).toHaveLength(3);
    expect(JSON.parse(found).tools[0]).toEqual({
      tool: wanted,
      callable: "depot.check_trucks_37",
      description: "Checks the trucks of hall 37.",
      signature: "depot.check_trucks_37(args: { since: string; strict?: boolean }): Promise<any>",
    });
    expect(described).toBe(`declare const depot: {
  /** Checks the trucks of hall 37. (result shape unknown) */
  check_trucks_37(args: {
    /** A date. */
    since: string;
    strict?: boolean;
  }): Promise<any>;
};
`);
    expect(JSON.parse(result)).toEqual({ status: "completed", result: { at: 378, since: "2026-01-01" } });
    // Searching is not a step.
    expect(answer.toolarium.steps).toMatchObject([{ turn: 3, type: "program", status: "completed" }]);
  });

  test("those outside the request's set are neither found nor described", async () => {
    const asked = stage.play(
      { calls: [["search_tools", { query: "trucks hall 37" }]] },
      { calls: [["describe_tools", { names: [wanted, "shop/secret"] }]] },
      "no",
    );
    await stage.chat.ask(fresh({ tools_filter: ["depot/check_d*", "shop/*"] }));
    const [found = "", described = ""] = contents(asked[2]);
    expect(found).not.toContain("trucks_37");
    expect(described).toMatch(/^\/\/ depot\.check_trucks_37 is outside the allowed set: tools_filter /);
    expect(described).toContain("// shop.secret is outside the allowed set: tools.allow ");
  });

  test("what was found survives a restart, in a resumed answer and in a replayed one", async () => {
    const order: ScriptedTurn = {
      calls: [["run_code", { code: 'return await shop.order({ item: "truck" })' }]],
    };
    const asked = stage.play(...finding, order, "Ordered.");
    const request = fresh();
    const { body: answer } = await stage.chat.ask(request);
    const [{ message }] = answer.choices;
    const before = contents(asked[2]);
    expect(before).toHaveLength(2);

    // The tool that was found no longer exists.
    await stage.restart({ depot: depot.slice(0, 300) });
    const back = {
      ...request,
      messages: [
        ...(request["messages"] as Fields[]),
        message,
        {
          role: "tool",
          tool_call_id: message.tool_calls[0].id,
          content: '{"toolarium_decision":"approve"}',
        },
      ],
    };
    const resumed = await stage.chat.ask(back);
    expect(resumed.body.choices[0].message.content).toBe("Ordered.");
    expect(contents(asked[3]).slice(0, 2)).toEqual(before);
    await stage.restart();
    const again = await stage.chat.ask(back, { headers: { "x-stainless-retry-count": "1" } });
    expect(again.body.choices[0].message.content).toBe("Ordered.");
    expect(asked).toHaveLength(4);
  });
});

describe("search_tools and describe_tools", () => {
  const answersTo = async (...calls: readonly (readonly [string, unknown])[]): Promise<readonly string[]> => {
    const asked = stage.play({ calls }, "ok");
    await stage.chat.ask(fresh());
    return contents(asked[1]);
  };

  test("explain their arguments when they are called wrongly, and accept what models commonly write", async () => {
    const [none, numbers, unnamed, bare, one] = await answersTo(
      ["search_tools", {}],
      ["search_tools", { query: 7 }],
      ["describe_tools", {}],
      ["search_tools", "trucks"],
      ["describe_tools", { names: wanted }],
    );
    expect(none).toBe(numbers);
    expect(none).toContain('Call it with {\\"query\\": \\"a few words\\"}.');
    expect(unnamed).toContain('Call it with {\\"names\\": [\\"server/tool\\"]}.');
    expect(JSON.parse(bare ?? "").tools).toHaveLength(10);
    expect(one).toContain("check_trucks_37(args");
  });

  test("keep to the budget of results, and say what they leave out", async () => {
    await stage.restart({ resultTokens: 500 });
    const names = depot.slice(0, 40).map(({ name }) => `depot/${name}`);
    const [found = "", described = "", nothing = ""] = await answersTo(
      ["search_tools", { query: "check", limit: 50 }],
      ["describe_tools", { names }],
      ["search_tools", { query: "zymurgy" }],
    );
    for (const text of [found, described]) {
      expect(countTokens(text)).toBeLessThanOrEqual(500);
      expect(countTokens(text)).toBeGreaterThan(350);
    }
    expect(JSON.parse(found).tools.at(-1)).toMatch(/^… \d+ more$/);
    expect(described).toMatch(/\n\/\/ No room for \d\d more: ask for the others again\.\n$/);
    expect(JSON.parse(nothing)).toEqual({ tools: [], advice: expect.stringContaining("No tool fits") });
    await stage.restart();
  });

  test("are neither offered nor mentioned where all tools are shown", async () => {
    const asked = stage.play("hi");
    await stage.chat.ask(fresh({ tools_filter: ["shop/*"] }));
    expect(offered(asked[0]).map(({ name }) => name)).toEqual(["run_code"]);
    // Other servers are not mentioned either.
    expect(String(systemMessage(asked[0]))).not.toMatch(/search_tools|describe_tools|tools shown|depot/);
  });
});
