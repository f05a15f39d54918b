/**
 * Programs as models and people write them, after public reports about products of this kind: each with what its author
 * would expect, on the servers of the demo. The texts are our own; the reports are named beside them.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
import { demoConfig } from "../../src/demo/demo.ts";
import { createGateway, type Gateway } from "../../src/gateway.ts";
import { createHttpServer, type HttpServer } from "../../src/http/server.ts";
import { createLog } from "../../src/log.ts";

let gateway: Gateway;
let http: HttpServer;
let url: string;
beforeAll(async () => {
  const demo = demoConfig();
  const { config } = configFrom(
    { ...(demo.config as object), server: { port: 0 }, limits: { toolCalls: 100 } },
    demo.servers,
  );
  gateway = await createGateway({ config, log: createLog("silent") });
  await gateway.hub.settled;
  http = await createHttpServer(gateway);
  ({ url } = await http.listen());
});
afterAll(async () => {
  await http.close(0);
  await gateway[Symbol.asyncDispose]();
});

interface Ran {
  readonly status: string;
  readonly result: unknown;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly line?: number;
  } | null;
  readonly diagnostics: readonly {
    readonly severity: string;
    readonly message: string;
    readonly line: number;
  }[];
  readonly calls: readonly { readonly tool: string; readonly status: string }[];
  readonly logs: readonly { readonly text: string }[];
}

async function run(code: string, rest: object = {}): Promise<Ran> {
  const answer = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code, ...rest }),
  });
  return (await answer.json()) as Ran;
}

/** What the report tells of the failure, hint and all. */
function words({ error, diagnostics }: Ran): string {
  return [error?.message, error?.hint, ...diagnostics.map(({ message }) => message)].join("\n");
}

describe("programs that do what was meant", () => {
  test("all pages of a list, by a loop that reads the number of pages from the first", async () => {
    // github.com/n8n-io/n8n/pull/29189: the cursor that never moves on.
    const ran = await run(`
      const customers = [];
      let page = 1, pages;
      do {
        const answer = await shop.list_customers({ page });
        customers.push(...answer.items);
        pages = answer.pages;
        page += 1;
      } while (page <= pages);
      return customers.length;`);
    expect(ran).toMatchObject({ status: "completed", result: 120 });
  });

  test("an arrow function with a list of what to do, called by nobody", async () => {
    // github.com/CherryHQ/cherry-studio/issues/12767
    const ran = await run(`async () => {
      const results = [];
      for (const id of ["P01", "P02"]) results.push(await shop.get_stock({ product_id: id }));
      return results.map((r) => r.product_id);
    }`);
    expect(ran).toMatchObject({ status: "completed", result: ["P01", "P02"] });
  });

  test("a thought before the fence, and half a closing tag behind it", async () => {
    // github.com/huggingface/smolagents/issues/1851 and /pull/1870
    const ran = await run(
      "Thought: I add the two numbers.\n```js\nreturn await calculator({ operation: 'add', a: 1, b: 2 })\n```\n</code",
    );
    expect(ran).toMatchObject({ status: "completed", result: 3 });
  });

  test("one failure of many is kept beside the results, in words", async () => {
    // github.com/UditAkhourii/adhd/issues/38 and github.com/earendil-works/pi/pull/3024
    const ran = await run(`
      const ids = ["C001", "C999", "C002"];
      const settled = await Promise.allSettled(ids.map((id) => shop.get_customer({ id })));
      return settled.map((s, i) => s.status === "fulfilled" ? s.value.id : { id: ids[i], error: s.reason });`);
    expect(ran.status).toBe("completed");
    expect(ran.result).toMatchObject([
      "C001",
      { id: "C999", error: { name: "ToolError", kind: "tool" } },
      "C002",
    ]);
    expect(JSON.stringify(ran.result)).toContain("C999");
    expect((ran.result as { error: { message: string } }[])[1]?.error.message).not.toBe("");
  });

  test("a retry with a growing pause, on the clock of the run", async () => {
    // github.com/mobile-dev-inc/Maestro/issues/1482: scripts that wait need setTimeout.
    const ran = await run(`
      async function withRetry(fn, tries = 3) {
        for (let attempt = 1; ; attempt++) {
          try { return await fn(); } catch (e) {
            if (attempt === tries) return { attempts: attempt, last: e.message };
            await new Promise((resolve) => setTimeout(resolve, 5 * 2 ** attempt));
          }
        }
      }
      const started = Date.now();
      const outcome = await withRetry(() => shop.get_order({ id: "O9999" }));
      return { attempts: outcome.attempts, waited: Date.now() - started >= 30 };`);
    expect(ran).toMatchObject({ status: "completed", result: { attempts: 3, waited: true } });
    expect(ran.calls).toHaveLength(3);
  });

  test("a race against a timeout that the tool wins", async () => {
    // github.com/dxos/dxos/pull/13217
    const ran = await run(`
      const timeout = new Promise((_, reject) => setTimeout(() => reject(new Error("too slow")), 10_000));
      const stock = await Promise.race([shop.get_stock({ product_id: "P01" }), timeout]);
      return stock.product_id;`);
    expect(ran).toMatchObject({ status: "completed", result: "P01" });
  });

  test("an entry function that asks for its input by name", async () => {
    // github.com/skymethod/denoflare/issues/61: an exported function is what the host calls.
    const ran = await run(
      "export default async function main(region, page = 1) {\n  const { items } = await shop.list_customers({ region, page });\n  return items.every((c) => c.region === region);\n}",
      { input: { region: "north" } },
    );
    expect(ran).toMatchObject({ status: "completed", result: true });
  });

  test("TypeScript with its own interfaces and a generic helper", async () => {
    const ran = await run(`
      interface Line { product_id: string; quantity: number }
      const total = <T,>(items: T[], of: (item: T) => number): number => items.reduce((sum, item) => sum + of(item), 0);
      const order = await shop.get_order({ id: "O0001" });
      const lines: Line[] = order.lines;
      return total(lines, (line) => line.quantity) > 0;`);
    expect(ran).toMatchObject({ status: "completed", result: true });
  });

  test("groups in a Map, returned as an object", async () => {
    const ran = await run(`
      const { items } = await shop.list_customers({});
      const byRegion = Map.groupBy(items, (c) => c.region);
      return Object.fromEntries([...byRegion].map(([region, list]) => [region, list.length]));`);
    expect(ran.status).toBe("completed");
    expect(Object.values(ran.result as Record<string, number>).reduce((sum, n) => sum + n, 0)).toBe(25);
  });

  test("a table of rows in the console is readable", async () => {
    const ran = await run(`
      const rows = [{ id: 1, tags: new Set(["a"]) }, { id: 2, tags: new Set() }];
      console.log("rows:", rows, new Map([["k", [1, 2]]]));
      return rows.length;`);
    expect(ran.status).toBe("completed");
    expect(ran.logs[0]?.text).toContain("a");
    expect(ran.logs[0]?.text).toContain("k");
  });
});

describe("programs that are refused before anything was called, with the way out", () => {
  test.each([
    [
      // github.com/universal-tool-calling-protocol/code-mode/issues/15
      "a tool by the name that another layer gives it",
      "return await shop.shop_get_stock({ product_id: 'P01' })",
      "shop.get_stock",
    ],
    [
      // github.com/cloudflare/agents/pull/807
      "a tool in camel case",
      "return await shop.getStock({ product_id: 'P01' })",
      "shop.get_stock",
    ],
    [
      // github.com/anomalyco/opencode/issues/31467
      "an argument by the name that another product uses",
      "return await filesystem.read_text_file({ filePath: 'README.md' })",
      "path",
    ],
    [
      // github.com/modelcontextprotocol/servers/pull/3004
      "an argument in another case",
      "return await shop.get_stock({ productId: 'P01' })",
      "product_id",
    ],
    [
      "a promise that is read like its value",
      "const ids = ['P01', 'P02'];\nconst stocks = ids.map((id) => shop.get_stock({ product_id: id }));\nreturn stocks.filter((s) => s.quantity === 0);",
      "await",
    ],
    [
      "a module of Node",
      "const fs = require('fs');\nreturn fs.readFileSync('README.md', 'utf8')",
      "This is not Node.js",
    ],
    ["the network", "const r = await fetch('https://example.com');\nreturn await r.json()", "fetch"],
    ["Python", "import json\nprint(json.dumps({'a': 1}))", "TypeScript"],
  ])("%s", async (_, code, wayOut) => {
    const ran = await run(code);
    expect(ran).toMatchObject({ status: "failed", calls: [] });
    expect(["type_error", "syntax_error"]).toContain(ran.error?.code);
    expect(words(ran)).toContain(wayOut);
  });

  test("a program that the token limit cut in the middle", async () => {
    const ran = await run(
      "const a = await shop.list_customers({ region: 'north' });\nconst names = a.items.map((c) => {\n  return `${c.name} (",
    );
    expect(ran).toMatchObject({ status: "failed", error: { code: "syntax_error" }, calls: [] });
    expect(words(ran)).toMatch(/ends in the middle/);
  });
});

describe("programs that go wrong while they run tell where, and what stands", () => {
  test("forEach with async callbacks is told, with its line and the fix", async () => {
    // github.com/n8n-io/n8n: loops that nobody waits for return before their work is done.
    const ran = await run(
      "const found = [];\n['P01', 'P02'].forEach(async (product_id) => {\n  found.push(await shop.get_stock({ product_id }));\n});\nreturn found.length;",
    );
    const remark = ran.diagnostics.find(({ message }) => message.includes("forEach"));
    expect(remark?.line).toBe(2);
    expect(remark?.message).toMatch(/for.*of|Promise\.all/);
  });

  test("a page loop without an end stops at the limit of calls, with its line", async () => {
    // github.com/n8n-io/n8n/issues/12553
    const ran = await run(
      "let all = [];\nlet next = 1;\nwhile (next) {\n  const answer = await shop.list_orders({ page: 1 });\n  all = all.concat(answer.items);\n  next = answer.page;\n}\nreturn all.length;",
      { limits: { toolCalls: 20 } },
    );
    expect(ran.error).toMatchObject({ code: "too_many_calls" });
    expect(ran.error?.hint ?? "").not.toBe("");
  });

  test("a field that the answer does not have is explained by what it has", async () => {
    const ran = await run(
      "const list = await filesystem.list_directory({ path: '.' });\nreturn list.files.map((f) => f.name)",
      {
        typecheck: "off",
      },
    );
    expect(ran.status).toBe("failed");
    expect(words(ran)).toContain("content");
  });

  test("a write waits for a person, and what was read before is not read again", async () => {
    const ran = await run(
      "const { items } = await shop.list_products({});\nconst order = await shop.place_order({ customer_id: 'C001', product_id: items[0].id, quantity: 1 });\nreturn order.order.id",
    );
    expect(ran).toMatchObject({ status: "waiting", calls: [{ status: "ok" }, { status: "waiting" }] });
  });
});
