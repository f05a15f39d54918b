/** Gateways between a client and one provider, each as its documentation starts it, in a process of its own. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface RunningGateway extends AsyncDisposable {
  readonly name: string;
  /** Where it takes chat completions. */
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly model: string;
  readonly pid: number;
}

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** The provider itself; what stands between it and a client is measured against this. */
export async function startUpstream(): Promise<RunningGateway> {
  const child = fork(fileURLToPath(new URL("./upstream.ts", import.meta.url)));
  const [port] = (await once(child, "message")) as [number];
  return describe("direct", child, `http://127.0.0.1:${port}`, "m");
}

export async function startToolarium(upstream: RunningGateway): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-bench-"));
  const config = join(folder, "toolarium.json");
  const providers = { bench: { baseUrl: new URL("/v1", upstream.url).href, models: ["m"] } };
  writeFileSync(config, JSON.stringify({ providers, server: { port: 0 }, sandbox: { workers: 1 } }));
  const child = spawn(process.execPath, [pathOf("../../../src/bin.ts"), "serve", "--config", config], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  child.once("exit", () => rmSync(folder, { recursive: true }));
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return describe("toolarium", child, line.slice(line.indexOf("http")), "bench/m");
}

export async function startPortkey(upstream: RunningGateway): Promise<RunningGateway> {
  const port = await freePort();
  const program = pathOf("../../../.bench/node_modules/@portkey-ai/gateway/build/start-server.js");
  const child = spawn(process.execPath, [program, "--headless", `--port=${port}`], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  await untilListening(url, child);
  return describe("@portkey-ai/gateway", child, url, "m", {
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": new URL("/v1", upstream.url).href,
  });
}

function describe(
  name: string,
  child: ChildProcess,
  url: string,
  model: string,
  headers: RunningGateway["headers"] = {},
): RunningGateway {
  return {
    name,
    url: new URL("/v1/chat/completions", url).href,
    model,
    headers: { "content-type": "application/json", authorization: "Bearer unused", ...headers },
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function untilListening(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const isThere = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} ended before it listened`);
}
