/** What may go wrong, each at the moment it is asked to, and right again when its promise resolves. */
import { setTimeout } from "node:timers/promises";
import { expect } from "vitest";
import type { Random } from "../../helpers/random.ts";
import type { House } from "./house.ts";

interface Scene {
  readonly house: House;
  readonly random: Random;
  /** Cuts the connection of whoever waits for an answer. */
  readonly leave: () => void;
}

type Fault = (scene: Scene) => Promise<void>;

const JUNK = [
  "",
  "HTTP/1.1 200 OK\r\n\r\n<html>",
  "HTTP/1.1 502 Bad\r\n\r\n",
  "\u0000\u0001garbage\r\n\r\n",
] as const;
const LONGEST_PAUSE_MS = 300;

const pause = async (pid: number | undefined, random: Random): Promise<void> => {
  if (!signal(pid, "SIGSTOP")) return;
  await setTimeout(random.below(LONGEST_PAUSE_MS));
  signal(pid, "SIGCONT");
};

export const faults: { readonly [name: string]: Fault } = {
  "nothing happens": async () => {},
  "the gateway is killed": async ({ house }) => void (await house.restart("SIGKILL")),
  "the gateway is restarted": async ({ house }) => expect(await house.restart("SIGTERM")).toBe(0),
  "the gateway stands still": ({ house, random }) => pause(house.pid, random),
  "a worker is killed": async ({ house }) =>
    void house.children("worker").map((pid) => signal(pid, "SIGKILL")),
  "a worker stands still": ({ house, random }) => pause(house.children("worker")[0], random),
  "the compiler is killed": async ({ house }) => void signal(house.children("compiler")[0], "SIGKILL"),
  "the tool server is killed": ({ house }) => house.restartTools(),
  "the tool server stands still": ({ house, random }) => pause(house.world.pid, random),
  "the client leaves": async ({ leave }) => leave(),
  "the tool server is cut off": async ({ house }) => house.toTools.cut(),
  "the tool server answers garbage": async ({ house, random }) => house.toTools.garble(random.pick(JUNK)),
  "the model is cut off": async ({ house }) => house.toModel.cut(),
  "the model answers garbage": async ({ house, random }) => house.toModel.garble(random.pick(JUNK)),
};

/** False when it is gone already. */
function signal(pid: number | undefined, name: NodeJS.Signals): boolean {
  try {
    return pid !== undefined && process.kill(pid, name);
  } catch {
    return false;
  }
}
