import { expect, test } from "vitest";
import { tellingLine } from "../src/telling-line.ts";

const nodeStack = `/app/node_modules/db-server/dist/index.js:5
  throw new Error("DB_URL is not set");
  ^

Error: DB_URL is not set
    at Object.<anonymous> (/app/node_modules/db-server/dist/index.js:5:9)
    at Module._compile (node:internal/modules/cjs/loader:1554:14) {
  code: 'E_CONFIG'
}

Node.js v24.21.0
`;

test.each<[what: string, stderr: string, line: string]>([
  ["nothing", "", ""],
  ["a stack of Node", nodeStack, "Error: DB_URL is not set"],
  [
    "a stack that npm speaks before and after",
    `npm warn deprecated glob@7.2.3: Glob versions prior to v9 are no longer supported\n${nodeStack}npm error path /app\nnpm error command failed\nnpm error command sh -c db-server`,
    "Error: DB_URL is not set",
  ],
  [
    "a module that is missing",
    "node:internal/modules/esm/resolve:274\n    throw new ERR_MODULE_NOT_FOUND(\n          ^\n\nError [ERR_MODULE_NOT_FOUND]: Cannot find package 'pg' imported from /app/x.js\n    at packageResolve (node:internal/modules/esm/resolve:767:9)",
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'pg' imported from /app/x.js",
  ],
  [
    "a package that npm does not find",
    "npm warn exec The following package was not found and will be installed: @a/b\nnpm error code E404\nnpm error 404 Not Found - GET https://registry.example/@a%2fb - Not found\nnpm error 404\nnpm error 404  '@a/b@*' is not in this registry.\nnpm error A complete log of this run can be found in: /home/ann/.npm/_logs/x.log",
    "npm error 404 Not Found - GET https://registry.example/@a%2fb - Not found",
  ],
  [
    "an older npm",
    "npm ERR! code ENOTFOUND\nnpm ERR! errno ENOTFOUND\nnpm ERR! network request to https://registry.example/x failed, reason: getaddrinfo ENOTFOUND registry.example",
    "npm ERR! network request to https://registry.example/x failed, reason: getaddrinfo ENOTFOUND registry.example",
  ],
  [
    "a traceback of Python",
    'INFO:root:starting\nTraceback (most recent call last):\n  File "/app/server.py", line 12, in <module>\n    main()\n    ~~~~^^\n  File "/app/server.py", line 8, in main\n    url = os.environ["DB_URL"]\nKeyError: \'DB_URL\'',
    "KeyError: 'DB_URL'",
  ],
  [
    "uv",
    "Resolved 12 packages in 30ms\nerror: Failed to spawn: `db-server`\n  Caused by: No such file or directory (os error 2)",
    "error: Failed to spawn: `db-server`",
  ],
  [
    "a panic of Go",
    "panic: DB_URL is not set\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:9 +0x2c\nexit status 2",
    "panic: DB_URL is not set",
  ],
  [
    "a panic of Rust",
    "thread 'main' panicked at src/main.rs:4:5:\nDB_URL is not set\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    "thread 'main' panicked at src/main.rs:4:5: DB_URL is not set",
  ],
  [
    "an exception of Java",
    'Exception in thread "main" java.lang.IllegalStateException: DB_URL is not set\n\tat Main.main(Main.java:3)',
    'Exception in thread "main" java.lang.IllegalStateException: DB_URL is not set',
  ],
  [
    "docker",
    "Unable to find image 'mcp/db:latest' locally\ndocker: Error response from daemon: pull access denied for mcp/db\n\nRun 'docker run --help' for more information",
    "docker: Error response from daemon: pull access denied for mcp/db",
  ],
  ["a shell", "sh: 1: db-server: not found", "sh: 1: db-server: not found"],
  [
    "a validation error over several lines",
    'ZodError: [\n  {\n    "code": "invalid_type",\n    "path": ["DB_URL"],\n    "message": "Required"\n  }\n]\n    at new ZodError (file:///app/x.js:1:1)',
    'ZodError: [ "code": "invalid_type", "path": ["DB_URL"], "message": "Required"',
  ],
  [
    "a structured log",
    '{"level":"info","msg":"starting"}\n{"level":"error","msg":"DB_URL is not set","pid":7}',
    "DB_URL is not set",
  ],
  [
    "pino's numbers",
    '{"level":30,"msg":"starting"}\n{"level":60,"msg":"DB_URL is not set"}',
    "DB_URL is not set",
  ],
  [
    "a log with times",
    "2026-01-31 12:00:00 INFO starting\n2026-01-31 12:00:01 ERROR DB_URL is not set\n2026-01-31 12:00:01 INFO bye",
    "2026-01-31 12:00:01 ERROR DB_URL is not set",
  ],
  [
    "colours",
    "\u001b[32mready soon\u001b[0m\n\u001b[31mError:\u001b[0m DB_URL is not set",
    "Error: DB_URL is not set",
  ],
  [
    "plain words after a banner",
    "DB server v1.2.3\nPlease set DB_URL and start again.\nBye.",
    "Please set DB_URL and start again.",
  ],
  [
    "a complaint, and what came of it",
    "cannot log in at db:5432\nError: gave up",
    "cannot log in at db:5432 | Error: gave up",
  ],
  ["usage", "Usage: db-server <connection string>", "Usage: db-server <connection string>"],
  [
    "a command line tool",
    "error: required option '--db <url>' not specified\n\nUsage: db-server [options]",
    "error: required option '--db <url>' not specified",
  ],
  ["no failure by name", "one\ntwo\nthree\nfour", "two | three | four"],
  [
    "warnings of the runtime",
    "(node:7) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.\n(Use `node --trace-deprecation ...` to show where the warning was created)\nwaiting for the license server",
    "waiting for the license server",
  ],
])("of %s a start keeps the line that tells", (_what, stderr, line) => {
  expect(tellingLine(stderr, "start")).toBe(line);
});

test("a server that served and was lost is told by its last failure, not by one that it survived", () => {
  const stderr = `ERROR the cache is cold\nINFO serving\n${nodeStack}`;
  expect(tellingLine(stderr, "start")).toBe("ERROR the cache is cold");
  expect(tellingLine(stderr, "loss")).toBe("Error: DB_URL is not set");
});

test("a line without an end is cut", () => {
  expect(tellingLine(`Error: ${"x".repeat(100_000)}`, "start")).toHaveLength(300);
});
