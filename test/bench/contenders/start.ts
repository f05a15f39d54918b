/** Starts contenders, each in its own host process. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Task } from "./contender.ts";
import type { FromHost } from "./host.ts";

export interface Entrant {
  readonly name: string;
  /** Its name in `host.ts`. */
  readonly key: string;
  /** Flags its documentation asks for. */
  readonly flags: readonly string[];
}

export interface RunningContender extends AsyncDisposable {
  readonly name: string;
  /** Milliseconds until it could take its first run: import and set-up, once per process. */
  readonly createMs: number;
  /** Milliseconds of one run, measured in its process. */
  run(task: Task): Promise<number>;
}

const ours: readonly Entrant[] = [
  { name: "toolarium/sandbox", key: "engine", flags: [] },
  { name: "createSandbox, journal on", key: "sandbox", flags: [] },
];
const builtIn: readonly Entrant[] = [
  { name: "fresh worker thread", key: "worker-thread", flags: [] },
  { name: "fresh child process", key: "child-process", flags: [] },
];
const installed: readonly Entrant[] = [
  { name: "@utcp/code-mode", key: "code-mode", flags: ["--no-node-snapshot"] },
  { name: "quickjs-emscripten", key: "quickjs", flags: [] },
];

/** The first is the one the others are compared with. */
export function entrants(withPeers: boolean): readonly Entrant[] {
  return withPeers ? [...ours, ...installed, ...builtIn] : [...ours, ...builtIn];
}

export async function startContender({ name, key, flags }: Entrant): Promise<RunningContender> {
  const host = fork(fileURLToPath(new URL("./host.ts", import.meta.url)), [key], {
    execArgv: [...flags],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ready = await nextMessage(host, name);
  return {
    name,
    createMs: ready.type === "ready" ? ready.createMs : 0,
    async run(task) {
      const answer = nextMessage(host, name);
      host.send(task);
      const said = await answer;
      return said.type === "ran" ? said.ms : 0;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(host, "exit");
      host.send("end");
      await exited;
    },
  };
}

async function nextMessage(host: ChildProcess, name: string): Promise<FromHost> {
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`the process of ${name} ended in the middle of a run`));
    host.once("exit", fail);
    host.once("message", (message) => {
      host.off("exit", fail);
      resolve(message as FromHost);
    });
  });
}
