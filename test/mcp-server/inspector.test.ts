/** The Inspector's command line, as people try a server with it. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tempFile } from "../e2e/cli-process.ts";
import { startServer, type TestServer } from "../http/helpers/server.ts";
import { type Inspector, placeInspector } from "./helpers/inspector.ts";

/** Three processes of Node start one another. */
const TIMEOUT_MS = 60_000;

let server: TestServer;
let inspector: Inspector;
beforeAll(async () => {
  inspector = placeInspector();
  server = await startServer({ keys: [{ key: "right-key" }] });
});
afterAll(async () => {
  inspector[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function inspect(method: readonly string[], key = "right-key") {
  const target = [`${server.url}/mcp`, "--transport", "http", "--header", `Authorization: Bearer ${key}`];
  return inspector.run([...target, "--method", ...method]);
}

test("the Inspector lists the tools", { timeout: TIMEOUT_MS }, async () => {
  const { stdout } = await inspect(["tools/list"]);
  const { tools } = JSON.parse(stdout) as { readonly tools: readonly { readonly name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual(["run_code", "search_tools", "describe_tools", "resume_run"]);
});

test("the Inspector runs a program", { timeout: TIMEOUT_MS }, async () => {
  const code = `return [await files.read({ path: "a" }), 6 * 7]`;
  const { stdout } = await inspect(["tools/call", "--tool-name", "run_code", "--tool-arg", `code=${code}`]);
  expect(JSON.parse(stdout)).toMatchObject({
    structuredContent: { status: "completed", result: ["the text", 42] },
  });
  expect(server.tools.calls).toEqual([{ tool: "files/read", args: { path: "a" } }]);
});

test("the Inspector says why a wrong key is refused, and shows nothing else", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { failed, stdout, stderr } = await inspect(["tools/list"], "wrong-key");
  expect(failed).toBe(true);
  expect(stdout).toBe("");
  expect(stderr).toContain("This API key is not known here.");
});

test("the Inspector runs a program in a process that it starts", { timeout: TIMEOUT_MS }, async () => {
  const config = tempFile("toolarium.json", "{}");
  const bin = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));
  const target = ["-e", `TOOLARIUM_CONFIG=${config}`, process.execPath, bin, "mcp"];
  const call = ["--method", "tools/call", "--tool-name", "run_code", "--tool-arg", "code=return 6 * 7"];
  const { stdout } = await inspector.run([...target, ...call]);
  expect(JSON.parse(stdout)).toMatchObject({ structuredContent: { status: "completed", result: 42 } });
});
