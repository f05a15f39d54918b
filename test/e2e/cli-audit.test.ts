import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { createLog } from "../../src/log.ts";
import { migrations } from "../../src/store/sqlite/file/migrations.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { damageTable } from "../store/files.ts";
import { callEvents, runRecord } from "../store/records.ts";
import { runCli, startServer, tempFile } from "./cli-process.ts";

const config = { store: { path: "./runs.db" }, tools: { autoExecute: ["*"] } };

/** A configuration with a store file beside it, of which nothing is there yet. */
function configured(): { readonly args: readonly string[]; readonly db: string } {
  const path = tempFile("toolarium.json", JSON.stringify(config));
  return { args: ["--config", path], db: join(dirname(path), "runs.db") };
}

/** A file with one run: a call that came from `tool`, and one that was denied. */
async function withHistory(tool = "files/read"): Promise<{
  readonly args: readonly string[];
  readonly db: string;
  readonly run: string;
}> {
  const { args, db } = configured();
  const run = runRecord({ principal: "ann" });
  await using store = await openSqliteStore({ path: db, log: createLog("silent") });
  await store.createRun(run);
  await store.append(
    run.id,
    1,
    [...callEvents(1, { tool }), ...callEvents(5, { tool: "files/drop", decision: "denied" })],
    "completed",
  );
  return { args, db, run: run.id };
}

async function startRun(url: string, code: string): Promise<string> {
  const response = await fetch(`${url}/v1/sandbox/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
  });
  const report: unknown = await response.json();
  expect(report).toMatchObject({ status: "completed" });
  return (report as { readonly id: string }).id;
}

test("a run is verified and replayed while its gateway serves, and after it", {
  timeout: 60_000,
}, async () => {
  const { args } = configured();
  const server = await startServer(args);
  const run = await startRun(server.url, "console.log('hi'); await sleep(1); return Math.random()");

  const verify = ["audit", "--verify", "--run", run, ...args];
  const replay = ["replay", run, ...args];
  const look = async (): Promise<void> => {
    const verified = await runCli(verify);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(verified.stdout).toMatch(/^Runs: 1, events: \d+\. The hash chain holds\.\n$/);
    const replayed = await runCli(replay);
    expect(replayed).toMatchObject({
      code: 0,
      stdout: `${run}: completed, calls: 0. The same again.\n`,
      stderr: "",
    });
  };
  await look();
  // What looked at the file took nothing away from the gateway.
  await startRun(server.url, "return 1");
  server.process.kill("SIGTERM");
  expect(await server.exited).toBe(0);
  await look();
});

describe("toolarium audit", () => {
  test("prints calls as a table, the latest first", async () => {
    const { args, run } = await withHistory();
    const { code, stdout, stderr } = await runCli(["audit", ...args]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      expect.arrayContaining(["REQUESTED", "RUN", "CALL", "PRINCIPAL", "TOOL", "DECISION", "STATUS"]),
      ["1970-01-01T00:00:01.005Z", run, "2", "ann", "files/drop", "denied", "ann", "ok", "1", "2", "1"],
      ["1970-01-01T00:00:01.001Z", run, "1", "ann", "files/read", "auto", "policy", "ok", "1", "2", "1"],
      [""],
    ]);
  });

  test("prints one JSON object a line, filtered and limited", async () => {
    const { args, run } = await withHistory();
    const rowsOf = async (...more: readonly string[]): Promise<readonly unknown[]> => {
      const { code, stdout } = await runCli(["audit", "--json", ...args, ...more]);
      expect(code).toBe(0);
      return stdout
        .split("\n")
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line));
    };
    expect(await rowsOf()).toMatchObject([
      { run, seq: 2 },
      { run, seq: 1 },
    ]);
    expect(await rowsOf("--tool", "files/r*")).toMatchObject([{ tool: "files/read", decision: "auto" }]);
    expect(await rowsOf("--limit", "1")).toMatchObject([{ seq: 2 }]);
    expect(await rowsOf("--run", "run_none")).toEqual([]);
  });

  test("sends no character of a tool's name to the terminal that the terminal would obey", async () => {
    const { args } = await withHistory("files/\u001b[2J\u009b2J\nfake\u202e\u2028");
    for (const format of [[], ["--json"]]) {
      const { stdout } = await runCli(["audit", ...args, ...format]);
      expect(stdout).not.toMatch(/[^\P{Cc}\n]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
      expect(stdout.split("\n")).toHaveLength(format.length === 0 ? 4 : 3);
    }
    const { stdout } = await runCli(["audit", "--json", ...args]);
    expect(JSON.parse(stdout.split("\n")[1] ?? "")).toMatchObject({
      tool: "files/\u001b[2J\u009b2J\nfake\u202e\u2028",
    });
  });

  test("says so when there are none", async () => {
    const { args } = await withHistory();
    expect(await runCli(["audit", "--server", "mail", ...args])).toMatchObject({
      code: 0,
      stdout: "No calls.\n",
    });
  });
});

describe("toolarium audit --verify", () => {
  test("names a damaged page and exits with 1, without a stack", async () => {
    const { args, db } = await withHistory();
    damageTable(db, "journal");
    const { code, stdout, stderr } = await runCli(["audit", "--verify", ...args]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(stdout).toMatch(/^the file: .+\n/);
    expect(stdout).toMatch(/faults of the file: \d+\. The history is not as it was written\.\n$/);
  });

  test("names what is broken and exits with 1", async () => {
    const { args, db, run } = await withHistory();
    meddle(db, "update journal set event = replace(event, 'denied', 'approved') where seq = 6");
    expect(await runCli(["audit", "--verify", ...args])).toEqual({
      code: 1,
      stdout: `${run}: event 6 was changed, put in, taken out or moved\nRuns: 1, events: 6, broken runs: 1. The history is not as it was written.\n`,
      stderr: "",
    });
    const { code, stdout } = await runCli(["audit", "--verify", "--json", ...args]);
    expect(code).toBe(1);
    expect(
      stdout
        .split("\n")
        .filter(Boolean)
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      { run, seq: 6, problem: "changed" },
      { runs: 1, events: 6, broken: 1, damage: 0 },
    ]);
  });

  test("of a run that is not there exits with 2", async () => {
    const { args } = await withHistory();
    const { code, stderr } = await runCli(["audit", "--verify", "--run", "run_none", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain('There is no run "run_none".');
  });
});

describe("toolarium replay", () => {
  test("says where a run comes out differently and exits with 1", { timeout: 60_000 }, async () => {
    const { args, db } = configured();
    const server = await startServer(args);
    const run = await startRun(server.url, "return 'first'");
    server.process.kill("SIGTERM");
    await server.exited;
    meddle(db, `update journal set event = replace(event, 'first', 'other') where event like '%"ended"%'`);
    const { code, stdout } = await runCli(["replay", run, ...args]);
    expect(code).toBe(1);
    expect(stdout).toBe(
      `${run}: completed, calls: 0. Not the same again: The program returned another value than its journal has.\n`,
    );
    const json = await runCli(["replay", run, "--json", ...args]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ matches: false, report: { id: run, result: "other" } });
  });

  test("of a run that is not there exits with 2", async () => {
    const { args } = await withHistory();
    const { code, stderr } = await runCli(["replay", "run_none", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain('There is no run "run_none".');
  });
});

describe("a store that cannot be looked at is a configuration error that names the remedy:", () => {
  test("none is kept", async () => {
    const { code, stderr } = await runCli(["audit"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/":memory:" is kept by no file/);
  });

  test("the file is not there, and is not created", async () => {
    const { args, db } = configured();
    for (const command of [["audit"], ["audit", "--verify"], ["replay", "run_a"]]) {
      const { code, stderr } = await runCli([...command, ...args]);
      expect(code).toBe(3);
      expect(stderr).toContain(`${JSON.stringify(db)} does not exist`);
    }
  });

  test("an older version wrote it, which is left as it is", async () => {
    const { args, db } = configured();
    {
      using old = new DatabaseSync(db);
      old.exec(`${migrations[0]?.sql}; pragma application_id = 1416393325; pragma user_version = 1`);
    }
    const { code, stderr } = await runCli(["audit", ...args]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/older version .*Start the gateway on it once/);
    using old = new DatabaseSync(db);
    expect(old.prepare("pragma user_version").get()).toEqual({ user_version: 1 });
  });
});

function meddle(path: string, sql: string): void {
  using db = new DatabaseSync(path);
  db.exec(sql);
}
