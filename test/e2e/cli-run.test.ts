import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { until } from "../helpers/until.ts";
import { descendantsOf, isRunning, runCli, startCli, tempFile } from "./cli-process.ts";

/** A configuration without servers: what starts is only what every gateway starts. */
const bare = (): string => tempFile("toolarium.json", '{ "store": { "path": ":memory:" } }');

test("the result is on stdout as JSON, console lines are on stderr", async () => {
  const file = tempFile(
    "program.ts",
    `console.log("counting", { region: "north" });
     const { total } = await shop.list_customers({ region: "north" });
     return { sum: await calculator({ operation: "add", a: 1, b: 2 }), some: total > 0 };`,
  );
  const { code, stdout, stderr } = await runCli(["run", file]);
  expect(JSON.parse(stdout)).toEqual({ sum: 3, some: true });
  expect(stderr).toMatch(/^counting .*north/);
  expect(stderr.split("\n").length).toBe(2);
  expect(code).toBe(0);
});

test("a program from standard input reads --input and the shipped documents, and --json prints the report", async () => {
  const { code, stdout } = await runCli(["run", "-", "--json", "--input", '{"file":"returns-policy.md"}'], {
    cwd: "/",
    input: 'return (await filesystem.read_text_file({ path: input.file })).content.split("\\n")[0]',
  });
  expect(JSON.parse(stdout)).toMatchObject({
    object: "sandbox.run",
    status: "completed",
    result: "# Returns policy",
    error: null,
    calls: [{ tool: "filesystem/read_text_file", status: "ok", decision: "auto" }],
  });
  expect(code).toBe(0);
});

test("remarks about a program are on stderr with their places, and in the report alone with --json", async () => {
  const file = tempFile("program.ts", `calculator({ operation: "add", a: 1, b: 2 });\nconst b = "2";`);
  const plain = await runCli(["run", file]);
  expect(plain.stdout).toBe("null\n");
  const [first, second] = plain.stderr.split("\n");
  expect(first).toBe(`${file}:1:1 warning: calculator(…) is not awaited: add await.`);
  expect(second).toBe(`${file}:2:1 note: The program returns nothing: add \`return b\` to see a result.`);

  const json = await runCli(["run", file, "--json"]);
  expect(json.stderr).toBe("");
  expect(JSON.parse(json.stdout).diagnostics).toContainEqual(
    expect.objectContaining({ severity: "note", line: 2 }),
  );
});

test("a program that throws ends with 1 and one message with the place in the file", async () => {
  const file = tempFile("program.ts", `const order = undefined;\nreturn order.lines;`);
  const { code, stdout, stderr } = await runCli(["run", file, "--config", bare()]);
  expect(stderr).toContain(`${file}:2:14: guest_error: TypeError: Cannot read properties of undefined`);
  expect(stdout).toBe("");
  expect(code).toBe(1);
});

test("a call that needs consent ends with 5 and says which call waits", async () => {
  const { code, stdout, stderr } = await runCli(["run", "-"], {
    input: 'await shop.place_order({ customer_id: "C001", product_id: "P01", quantity: 1 })',
  });
  expect(stderr).toContain('shop/place_order {"customer_id":"C001","product_id":"P01","quantity":1}');
  expect(stdout).toBe("");
  expect(code).toBe(5);
});

test("SIGINT cancels the program, ends with 130 and leaves no process behind", async () => {
  const cli = startCli(["run", "-", "--config", bare()], {
    input: 'console.log("asleep"); await sleep(50_000)',
  });
  await until("the program runs", () => cli.stderr.includes("asleep"));
  const children = descendantsOf(cli.process.pid ?? 0);
  expect(children.length).toBeGreaterThan(0);

  cli.process.kill("SIGINT");

  expect(await cli.exited).toBe(130);
  expect(children.filter(isRunning)).toEqual([]);
});

test.each([
  [
    ["run", "/no/such/program.ts"],
    2,
    'Cannot read the program "/no/such/program.ts": there is no such file.',
  ],
  [["run"], 2, "`run` needs a program"],
  [["launch"], 2, 'There is no command "launch".'],
  [["run", "-", "--config", "/no/such/config.json"], 3, "/no/such/config.json"],
])("toolarium %j ends with %i and says why", async (args, exit, reason) => {
  const { code, stdout, stderr } = await runCli(args, { input: "return 1" });
  expect(stderr).toMatch(/^toolarium: /);
  expect(stderr).toContain(reason);
  expect(stdout).toBe("");
  expect(code).toBe(exit);
});

test("an empty program is a usage error", async () => {
  const { code, stderr } = await runCli(["run", "-"], { input: " \n" });
  expect(stderr).toBe("toolarium: The program is empty.\n");
  expect(code).toBe(2);
});

test("--version and --help print and end with 0", async () => {
  const { version } = createRequire(import.meta.url)("toolarium/package.json");
  expect(await runCli(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  const help = await runCli(["--help"]);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help.stdout).toContain("Usage: toolarium");
});
