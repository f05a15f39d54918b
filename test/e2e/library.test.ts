import { McpServer } from "@modelcontextprotocol/server";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  createSandbox,
  type DeclarationOptions,
  defineTool,
  type PendingCall,
  type Sandbox,
  type SandboxOptions,
} from "../../src/index.ts";
import { createLog } from "../../src/log.ts";
import { until } from "../helpers/until.ts";

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.[Symbol.asyncDispose]();
  sandbox = undefined;
});

async function open(options: SandboxOptions): Promise<Sandbox> {
  sandbox = await createSandbox({ workers: 1, log: createLog("silent"), ...options });
  return sandbox;
}

const calculator = defineTool({
  name: "calculator",
  description: "Adds or multiplies.",
  input: z.object({ operation: z.enum(["add", "multiply"]), a: z.number(), b: z.number() }),
  execute: ({ operation, a, b }) => (operation === "add" ? a + b : a * b),
  readOnly: true,
});

function transfer(seen: unknown[]) {
  return defineTool({
    name: "transfer",
    description: "Moves money.",
    input: z.object({ amount: z.number() }),
    needsApproval: true,
    execute: ({ amount }) => {
      seen.push(amount);
      return `moved ${amount}`;
    },
  });
}

describe("the library", () => {
  it("runs a program over tools given in code", async () => {
    const toolarium = await open({ tools: [calculator] });
    const report = await toolarium.run("return await calculator({ operation: 'add', a: 1, b: 2 })");
    expect(report).toMatchObject({
      status: "completed",
      result: 3,
      calls: [{ tool: "local/calculator", status: "ok" }],
    });
  });

  it("learns what tools give that do not say so, where it is asked to", async () => {
    const declared = (options?: DeclarationOptions): string =>
      /function calculator.*?Promise<(.*?)>/s.exec(toolarium.declarations(options))?.[1] ?? "";
    const code = "for (const a of [1, 2, 3]) await calculator({ operation: 'add', a, b: 0 })";
    let toolarium = await open({ tools: [calculator] });
    await toolarium.run(code, { principal: "ann" });
    expect(declared({ observed: true, principal: "ann" })).toBe("any");
    await toolarium[Symbol.asyncDispose]();
    toolarium = await open({ tools: [calculator], learn: true });
    await toolarium.run(code, { principal: "ann" });
    await until("it was learned", () => declared({ observed: true, principal: "ann" }) !== "any");
    expect(declared({ observed: true, principal: "ann" })).toBe("/* observed */ number");
    expect([declared(), declared({ observed: true })]).toEqual(["any", "any"]);
    const careless = "return (await calculator({ operation: 'add', a: 1, b: 2 })).length";
    expect(await toolarium.run(careless, { principal: "ann" })).toMatchObject({
      status: "completed",
      diagnostics: [{ severity: "warning" }],
    });
  });

  it("runs a program that calls positional tools and returns without being told how", async () => {
    const files = ["/project/a.ts", "/project/b.ts"];
    const toolarium = await open({
      tools: [
        defineTool({
          name: "listFiles",
          description: "Lists the files of a folder.",
          input: z.object({ folder: z.string() }),
          positional: ["folder"],
          execute: ({ folder }) => files.filter((file) => file.startsWith(folder)),
        }),
        defineTool({
          name: "analyzeFile",
          description: "Counts the characters of a file's name.",
          input: z.object({ file: z.string() }),
          positional: ["file"],
          execute: ({ file }) => ({ file, length: file.length }),
        }),
        defineTool({
          name: "summarize",
          description: "Sums up.",
          input: z.object({ results: z.array(z.object({ file: z.string(), length: z.number() })) }),
          positional: ["results"],
          execute: ({ results }) =>
            `${results.length} files, ${results.reduce((sum, { length }) => sum + length, 0)} characters`,
        }),
      ],
    });
    const report = await toolarium.run(
      `const files = await listFiles("/project"); const results = await Promise.all(files.map(file => analyzeFile(file))); return summarize(results);`,
    );
    expect(report).toMatchObject({ status: "completed", result: "2 files, 26 characters" });
  });

  it("connects MCP servers, whose tools run by themselves only where that was said", async () => {
    const server = new McpServer({ name: "notes", version: "1.0.0" });
    const notes: string[] = [];
    server.registerTool("list", { description: "Lists the notes.", inputSchema: z.object({}) }, () => ({
      content: [{ type: "text", text: JSON.stringify(notes) }],
    }));
    server.registerTool(
      "add",
      { description: "Adds a note.", inputSchema: z.object({ text: z.string() }) },
      ({ text }) => {
        notes.push(text);
        return { content: [] };
      },
    );
    const toolarium = await open({ mcpServers: { notes: { server } }, autoExecute: ["notes/list"] });
    expect((await toolarium.run("return await notes.list({})")).result).toEqual([]);
    const waiting = await toolarium.run("return await notes.add({ text: 'x' })");
    expect(waiting).toMatchObject({
      status: "waiting",
      pending: [{ tool: "notes/add", arguments: { text: "x" } }],
    });
    expect(notes).toEqual([]);
    const approved = await toolarium.run("await notes.add({ text: 'y' }); return await notes.list({})", {
      onApproval: () => true,
    });
    expect(approved).toMatchObject({
      status: "completed",
      result: ["y"],
      calls: [{ decision: "approved" }, { decision: "auto" }],
    });
  });

  it("lets programs search and describe tools, and read results of earlier runs", async () => {
    const server = new McpServer({ name: "search", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.registerTool("web", { description: "Searches the web." }, () => ({
      content: [{ type: "text", text: "found" }],
    }));
    const toolarium = await open({
      tools: [calculator],
      mcpServers: { search: { server } },
      autoExecute: ["search/*"],
    });
    const code = `const [first] = await tools.search("add numbers");
      return [first?.tool, await tools.describe("search/web"), await search.web({}), Object.keys(tools)]`;
    const report = await toolarium.run(code);
    expect(report.result).toEqual([
      "local/calculator",
      "declare const search: {\n  /** Searches the web. (result shape unknown) */\n  web(args?: {}): Promise<any>;\n};\n",
      "found",
      ["local"],
    ]);
    const later = await toolarium.run("return (await runs.result(input)).length", { input: report.id });
    expect(later).toMatchObject({ result: 4, calls: [{ tool: "@runs/result", status: "ok" }] });
    const narrowed = await toolarium.run("return await runs.result(input)", {
      input: report.id,
      tools: ["local/*"],
    });
    expect(narrowed.error?.tool?.kind).toBe("denied");
  });

  it("asks the embedding program where a tool needs approval", async () => {
    const seen: unknown[] = [];
    const asked: PendingCall[] = [];
    const toolarium = await open({ tools: [transfer(seen)] });
    const code =
      "try { return await transfer({ amount: 5 }) } catch (error) { return `${error.kind}: ${error.message}` }";
    const denied = await toolarium.run(code, {
      onApproval: (call) => {
        asked.push(call);
        return { decision: "deny", reason: "too much" };
      },
    });
    expect(denied.result).toBe("denied: too much");
    expect(asked).toMatchObject([{ tool: "local/transfer", arguments: { amount: 5 } }]);
    const edited = await toolarium.run(code, {
      onApproval: async () => ({ decision: "approve", arguments: { amount: 1 } }),
    });
    expect(edited.result).toBe("moved 1");
    const thrown = await toolarium.run(code, {
      onApproval: () => {
        throw new Error("the dialog crashed");
      },
    });
    expect(thrown.status).toBe("waiting");
    expect(seen).toEqual([1]);
  });

  it("takes input, narrows tools, tells events, and can be aborted", async () => {
    const toolarium = await open({ tools: [calculator] });
    expect((await toolarium.run("return input.x * 2", { input: { x: 21 } })).result).toBe(42);
    const narrowed = await toolarium.run("return await calculator({ operation: 'add', a: 1, b: 1 })", {
      tools: [],
    });
    expect(narrowed.error).toMatchObject({
      code: "type_error",
      message: expect.stringContaining("outside the allowed set"),
    });
    const events: string[] = [];
    await toolarium.run("console.log(1); return 2", { onEvent: (event) => void events.push(event.type) });
    expect(events).toEqual(["run.started", "log", "run.finished"]);
    const thrower = await toolarium.run("return 3", {
      onEvent: () => {
        throw new Error("the page was closed");
      },
    });
    expect(thrower.result).toBe(3);
    const abort = new AbortController();
    const run = toolarium.run("await sleep(60_000)", { signal: abort.signal, onEvent: () => abort.abort() });
    expect(await run).toMatchObject({ status: "cancelled" });
    expect(await toolarium.run("return 1", { signal: AbortSignal.abort() })).toMatchObject({
      status: "cancelled",
    });
  });

  it("checks a program without running it, and shows what programs can use", async () => {
    const toolarium = await open({ tools: [calculator] });
    expect(toolarium.declarations()).toContain("declare function calculator(");
    expect(await toolarium.check("return await calculator({ operation: 'add', a: 1, b: 2 })")).toMatchObject({
      ok: true,
    });
    expect(await toolarium.check("const = 1")).toMatchObject({
      ok: false,
      diagnostics: [{ severity: "error", line: 1 }],
    });
    expect(toolarium.stats().totals.runs).toBe(0);
  });

  it("rejects for wrong use only, with an error that says what to do", async () => {
    const toolarium = await open({ tools: [calculator] });
    await expect(toolarium.run("  ")).rejects.toMatchObject({ code: "invalid_request", param: "code" });
    await expect(toolarium.run("return 1", { limits: { wallMs: 1e9 } })).rejects.toMatchObject({
      code: "limit_above_ceiling",
    });
    await expect(toolarium.run("return 1", { limits: { memoryMb: 1 } })).rejects.toMatchObject({
      code: "invalid_request",
    });
    const misspelt: object = { timeout: 5 };
    await expect(toolarium.run("return 1", misspelt)).rejects.toMatchObject({
      code: "invalid_request",
      param: "timeout",
    });
    await expect(createSandbox({ tools: [calculator, calculator] })).rejects.toMatchObject({
      param: "tools",
    });
    await toolarium[Symbol.asyncDispose]();
    await expect(toolarium.run("return 1")).rejects.toMatchObject({ code: "disposed" });
  });
});
