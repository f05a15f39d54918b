/** All that a trial needs, as processes: a tool server whose ledger outlives the gateway, a model, and the gateway. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { descendantsOf, isRunning, startServer } from "../../e2e/cli-process.ts";
import { startWorld, type World } from "../../helpers/world.ts";
import type { TestProvider } from "../../upstream/helpers/provider.ts";
import { startModel } from "./model.ts";
import { startWire, type Wire } from "./wire.ts";

/** There are several at once, beside all other tests. */
const BUSY_START_MS = 60_000;

type Gateway = Awaited<ReturnType<typeof startServer>>;

export class House implements AsyncDisposable {
  readonly toTools: Wire;
  readonly toModel: Wire;
  readonly #folder: string;
  readonly #model: TestProvider;
  #world: World;
  #gateway: Gateway;

  private constructor(folder: string, parts: Parts, gateway: Gateway) {
    this.#folder = folder;
    this.#world = parts.world;
    this.#model = parts.model;
    this.toTools = parts.toTools;
    this.toModel = parts.toModel;
    this.#gateway = gateway;
  }

  static async open(folder: string): Promise<House> {
    const world = await startWorld(join(folder, "ledger"));
    const model = await startModel();
    const toTools = await startWire(Number(new URL(world.url).port));
    const toModel = await startWire(Number(new URL(model.baseUrl).port));
    const config = {
      mcpServers: { world: { url: `http://${toTools.host}/mcp` } },
      providers: { test: { baseUrl: `http://${toModel.host}/v1`, apiKey: "k", models: ["m"] } },
      tools: { autoExecute: ["world/*"], readOnly: ["world/look"], idempotent: ["world/put"] },
      sandbox: { workers: 1 },
      store: { path: "./runs.db" },
    };
    writeFileSync(join(folder, "toolarium.json"), JSON.stringify(config));
    return new House(folder, { world, model, toTools, toModel }, await startGateway(folder));
  }

  get url(): string {
    return this.#gateway.url;
  }

  get pid(): number {
    return this.#gateway.process.pid ?? 0;
  }

  /** What it wrote since it was started the last time. */
  get stderr(): string {
    return this.#gateway.stderr;
  }

  get world(): World {
    return this.#world;
  }

  /** The gateway's children by what they are. */
  children(kind: "worker" | "compiler"): readonly number[] {
    const entry = kind === "worker" ? "/worker." : "/compiler-entry.";
    return this.processes().filter((pid) => commandOf(pid).includes(entry));
  }

  processes(): readonly number[] {
    return descendantsOf(this.pid).filter(isRunning);
  }

  /** Ends the gateway so, and starts it on what it has left. Returns the exit code; null after a kill. */
  async restart(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    const code = await this.end(signal);
    this.#gateway = await startGateway(this.#folder);
    return code;
  }

  async end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null> {
    this.#gateway.process.kill(signal);
    return await this.#gateway.exited;
  }

  async restartTools(): Promise<void> {
    const { port } = new URL(this.#world.url);
    await this.#world[Symbol.asyncDispose]();
    this.#world = await startWorld(join(this.#folder, "ledger"), port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    await Promise.all(
      [this.toTools, this.toModel, this.#model, this.#world].map((part) => part[Symbol.asyncDispose]()),
    );
  }
}

interface Parts {
  readonly world: World;
  readonly model: TestProvider;
  readonly toTools: Wire;
  readonly toModel: Wire;
}

function startGateway(folder: string): Promise<Gateway> {
  return startServer(["--config", join(folder, "toolarium.json")], {
    env: { TOOLARIUM_LOG: "error" },
    startMs: BUSY_START_MS,
  });
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
