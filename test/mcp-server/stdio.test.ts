/** `toolarium mcp` as clients start it: a gateway of its own, and the relay of a running one. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { runCli, startServer, tempFile } from "../e2e/cli-process.ts";
import { until } from "../helpers/until.ts";
import {
  connectLegacy,
  type ServerProcess,
  startLegacy,
  startModern,
  type TestClient,
} from "./helpers/clients.ts";

const BIN = fileURLToPath(new URL("../../src/bin.ts", import.meta.url));
const FIXTURE = fileURLToPath(new URL("../fixtures/mcp/speaks-2026.ts", import.meta.url));

function toolarium(args: readonly string[], env: Record<string, string> = {}): ServerProcess {
  return {
    command: process.execPath,
    args: [BIN, "mcp", ...args],
    env: { PATH: process.env["PATH"] ?? "", ...env },
  };
}

/** One tool, `modern/double`, that needs a person; the runs are kept in a file. */
function config(more: object = {}): string {
  const path = tempFile("toolarium.json", "");
  const content = {
    mcpServers: { modern: { command: process.execPath, args: [FIXTURE] } },
    store: { path: join(dirname(path), "runs.db") },
    sandbox: { workers: 1 },
    ...more,
  };
  return tempFile("toolarium.json", JSON.stringify(content));
}

function atEnd<T extends AsyncDisposable>(client: T): T {
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

const approve = () => ({ action: "accept", content: { decision: "approve" } }) as const;
const code = "return await modern.double({ n: 21 })";

describe.each<[string, typeof startLegacy]>([
  ["2025-11-25", startLegacy],
  ["2026-07-28", startModern],
])("with a gateway of its own, for a client of revision %s", (_revision, start) => {
  test("lists and runs; a run that waits is found again after a restart", { timeout: 60_000 }, async () => {
    const path = config();
    let run = "";
    {
      await using client = await start(toolarium(["--config", path]));
      const [runCode] = await client.list();
      expect(runCode.description).toContain("double(");
      expect((await client.call("run_code", { code: "return 1 + 1" })).structuredContent.result).toBe(2);
      const waiting = await client.call("run_code", { code });
      expect(waiting.content[0].text).toContain("toolarium mcp --url");
      run = waiting.structuredContent.run;
    }
    await using client = await start(toolarium(["--config", path]), { onForm: approve });
    // Without its id: it is the only one that waits.
    const answer = await client.call("resume_run");
    expect(answer.structuredContent).toMatchObject({ run, status: "completed", result: { n: 42 } });
  });

  test("shows the tools themselves with --face tools", { timeout: 60_000 }, async () => {
    const path = config({ tools: { autoExecute: ["*"] } });
    await using client = await start(toolarium(["--config", path, "--face", "tools"]));
    expect((await client.list()).map(({ name }) => name)).toEqual(["modern__add_tool", "modern__double"]);
    expect((await client.call("modern__double", { n: 4 })).structuredContent).toEqual({ n: 8 });
  });
});

describe("in front of a running gateway", () => {
  const keys = [{ name: "editor", key: "editor-secret", may: ["run", "decide"] }];
  const env = { TOOLARIUM_KEY: "editor-secret" };

  test("outlives its restart: the same client finds its run", { timeout: 90_000 }, async () => {
    const path = config({ keys });
    const first = await startServer(["--config", path]);
    const port = new URL(first.url).port;
    const asked: string[] = [];
    let answering = false;
    const client: TestClient = atEnd(
      await startLegacy(toolarium(["--url", first.url], env), {
        onForm({ message }) {
          asked.push(message);
          return answering ? approve() : { action: "cancel" };
        },
      }),
    );
    expect(await client.list()).toHaveLength(4);
    const { run, status } = (await client.call("run_code", { code })).structuredContent;
    expect([status, asked.length]).toEqual(["waiting", 1]);

    first.process.kill("SIGKILL");
    await first.exited;
    await expect(client.call("resume_run", { run })).rejects.toThrow(/There is no gateway at/);
    await startServer(["--config", path, "--port", port]);
    answering = true;
    expect((await client.call("resume_run", { run })).structuredContent).toMatchObject({
      status: "completed",
      result: { n: 42 },
    });
    // The page's own clients see the same run.
    await using direct = await connectLegacy(first.url, { key: "editor-secret" });
    expect((await direct.call("resume_run", { run })).structuredContent.status).toBe("completed");
  });

  test("a request whose connection is cut is answered, and all that follow it are served", {
    timeout: 90_000,
  }, async () => {
    const path = config({ keys });
    const first = await startServer(["--config", path]);
    const { port } = new URL(first.url);
    const client = atEnd(await startLegacy(toolarium(["--url", first.url], env)));
    const cut = client.call("run_code", { code: "await sleep(20_000)" });
    await until("the program runs", async () => (await statuses(first.url)).includes("running"));
    first.process.kill("SIGKILL");
    await expect(cut).rejects.toThrow(/connection to the gateway at .* was lost.*GET \/v1\/runs/);
    await first.exited;
    await startServer(["--config", path, "--port", port]);
    const lists = await Promise.all(Array.from({ length: 6 }, () => client.list()));
    expect(lists.map(({ length }) => length)).toEqual([4, 4, 4, 4, 4, 4]);
  });

  test("no key is not said to be a wrong one", { timeout: 60_000 }, async () => {
    const server = await startServer(["--config", config({ keys })]);
    const none = startLegacy(toolarium(["--url", server.url]));
    await expect(none).rejects.toThrow(/asks for a key. Set TOOLARIUM_KEY/);
  });

  test("a wrong key is said to whoever set it up", { timeout: 60_000 }, async () => {
    const server = await startServer(["--config", config({ keys })]);
    const wrong = startLegacy(toolarium(["--url", server.url], { TOOLARIUM_KEY: "wrong" }));
    await expect(wrong).rejects.toThrow(/does not know this key. Set TOOLARIUM_KEY/);
  });
});

async function statuses(url: string): Promise<readonly string[]> {
  const answer = await fetch(`${url}/v1/runs`, { headers: { authorization: "Bearer editor-secret" } });
  const { data } = (await answer.json()) as { readonly data: readonly { readonly status: string }[] };
  return data.map(({ status }) => status);
}

test("what it cannot do is a usage error", async () => {
  const faults = [
    [["--face", "both"], "--face wants code or tools"],
    [["--url", "localhost:8080"], "--url wants an address"],
    [["--url", "http://127.0.0.1:1", "--config", "x.json"], "takes --config or --url"],
  ] as const;
  for (const [args, message] of faults) {
    const { code, stderr } = await runCli(["mcp", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  }
});
