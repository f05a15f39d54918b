/** What an isolate's slot holds by itself, while nobody outside counts, watches or kills. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Step } from "../fixtures/slot-owner.ts";

const SPIN = "for (;;);";
const limits = { wallMs: 150 };
const GIVE_UP_MS = 10_000;

/** Takes the steps in a process of its own, and answers with what the slot said meanwhile. */
async function take(...steps: readonly Step[]): Promise<readonly string[]> {
  const child = fork(new URL("../fixtures/slot-owner.ts", import.meta.url), {
    execArgv: ["--no-node-snapshot", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    // A slot that does not stop its program would keep it from ending with this process.
    timeout: GIVE_UP_MS,
    killSignal: "SIGKILL",
  });
  child.send(steps);
  const [said] = (await Promise.race([
    once(child, "message"),
    once(child, "exit").then(() => [["it died"]]),
  ])) as [readonly string[]];
  if (child.exitCode === null) child.kill("SIGKILL");
  return said;
}

const start = (body: string, more: Extract<Step, { do: "start" }>["limits"] = limits): Step => ({
  do: "start",
  js: `(async () => {${body}\n})`,
  limits: more,
});

describe("a slot", () => {
  it.each<[where: string, steps: readonly Step[]]>([
    ["before its function began", [{ do: "start", js: `(() => { ${SPIN} })()`, limits }]],
    ["from its first line on", [start(SPIN)]],
    [
      "in a timer",
      [
        start(`setTimeout(() => { ${SPIN} }, 1); await new Promise(() => {})`),
        { do: "await", line: "entered 0" },
        { do: "fire", n: 1, k: 1 },
      ],
    ],
  ])("stops a program that spins %s at its time on the clock", async (_where, steps) => {
    const said = await take(...steps, { do: "await", line: "broken" }, { do: "dispose" });
    expect(said.slice(-3)).toEqual(["broken wall_timeout", "disposed", "idle"]);
  });

  it("says once that a limit was passed, takes no entry after it and says nothing more", async () => {
    const said = await take(
      start(SPIN, { cpuMs: 30, wallMs: 20_000 }),
      { do: "exhaust" },
      { do: "fire", n: 1, k: 1 },
      { do: "dispose" },
    );
    expect(said).toEqual(["broken cpu_timeout", "disposed", "idle"]);
  });

  it("that is disposed of ends its program, says nothing of it, and is done once nothing of it runs", async () => {
    const said = await take(start(SPIN, { wallMs: 20_000 }), { do: "dispose" }, { do: "fire", n: 1, k: 1 });
    expect(said).toEqual(["disposed", "idle"]);
  });

  it("stops a program that passed a limit by itself, before anybody asks", async () => {
    const said = await take(start(SPIN, { cpuMs: 30, wallMs: 20_000 }), { do: "exhaust" });
    expect(said).toEqual(["broken cpu_timeout", "idle"]);
  });

  it("cuts the words of a rejection that nobody handled", async () => {
    const [line = ""] = (
      await take(
        start("setTimeout(() => { throw new Error('x'.repeat(1e6)) }, 1); await new Promise(() => {})"),
        { do: "await", line: "entered 0" },
        { do: "fire", n: 1, k: 1 },
        { do: "await", line: "entered 1" },
      )
    ).filter((each) => each.startsWith("entered 1"));
    expect(line.length).toBe("entered 1 ".length + 4_096);
  });
});
