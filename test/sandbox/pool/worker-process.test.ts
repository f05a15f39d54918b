/** One worker process, without a pool around it. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  startWorkerProcess,
  type WorkerDeath,
  type WorkerProcess,
} from "../../../sandbox/pool/worker-process.ts";
import { isAlive } from "../../escape/helpers/processes.ts";
import { until } from "../../helpers/until.ts";

interface Watched {
  readonly worker: WorkerProcess;
  readonly deaths: readonly WorkerDeath[];
}

async function start(): Promise<Watched> {
  const deaths: WorkerDeath[] = [];
  const worker = await startWorkerProcess(
    { wrapper: [], slotMemoryMb: 16, signal: new AbortController().signal },
    { message: () => undefined, died: (death) => void deaths.push(death) },
  );
  onTestFinished(async () => {
    worker.kill("the test is over");
    await worker.gone;
  });
  return { worker, deaths };
}

/** Holds this thread until the process no longer runs, so that nothing of its death has been heard here. */
function killUnheard(pid: number): void {
  process.kill(pid, "SIGKILL");
  while (/^State:\s+[^ZX]/m.test(readFileSync(`/proc/${pid}/status`, "latin1")));
}

/** Errors that nobody took, which would have ended the gateway. */
function uncaught(): readonly unknown[] {
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  process.on("uncaughtException", note);
  onTestFinished(() => void process.off("uncaughtException", note));
  return errors;
}

describe("a worker that dies while it is written to", () => {
  it("is a death like any other, and no error of the gateway", async () => {
    const errors = uncaught();
    const { worker, deaths } = await start();
    killUnheard(worker.pid);
    worker.send({ type: "stop", lease: 1 });
    worker.send({ type: "stop", lease: 2 });
    await until("its death is known", () => deaths.length > 0);
    worker.send({ type: "stop", lease: 3 });
    await worker.gone;
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
    expect(deaths).toMatchObject([{ type: "exit", signal: "SIGKILL" }]);
  });

  it("with megabytes on the way to it is no error either", async () => {
    const errors = uncaught();
    const { worker, deaths } = await start();
    process.kill(worker.pid, "SIGSTOP");
    const text = "x".repeat(4 * 1024 * 1024);
    worker.send({ type: "enter", lease: 1, k: 1, n: 1, kind: "value", at: 0, text });
    await new Promise((resolve) => setImmediate(resolve));
    process.kill(worker.pid, "SIGKILL");
    await until("its death is known", () => deaths.length > 0);
    await worker.gone;
    await new Promise((resolve) => setImmediate(resolve));
    expect(errors).toEqual([]);
  });
});

describe("a worker that is not wanted any more while it starts", () => {
  it("is gone when its start is refused", async () => {
    const folder = mkdtempSync(join(tmpdir(), "worker-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "pid");
    const wrapper = ["/bin/sh", "-c", `echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 60`];
    const unwanted = new AbortController();
    const starting = startWorkerProcess(
      { wrapper, slotMemoryMb: 16, signal: unwanted.signal },
      { message: () => undefined, died: () => undefined },
    ).then(
      () => "a worker",
      (error: Error) => error.message,
    );
    const read = (): number => {
      try {
        return Number(readFileSync(file, "utf8"));
      } catch {
        return 0;
      }
    };
    const pid = await until("it has begun", read);
    expect(isAlive(pid)).toBe(true);
    unwanted.abort();
    expect(await starting).toContain("it is not wanted any more");
    expect(isAlive(pid)).toBe(false);
  });
});

describe("a worker for which the system has nothing left", () => {
  /** A gateway may open that many files, and has opened all but two of them. */
  const script = `
    import { closeSync, openSync } from "node:fs";
    import { startWorkerProcess } from ${JSON.stringify(new URL("../../../sandbox/pool/worker-process.ts", import.meta.url))};
    await new Promise((resolve) => setImmediate(resolve));
    const opened = [];
    try { for (;;) opened.push(openSync("/dev/null")); } catch {}
    for (const descriptor of opened.splice(0, 2)) closeSync(descriptor);
    const options = { wrapper: [], slotMemoryMb: 16, signal: new AbortController().signal };
    const said = await startWorkerProcess(options, { message() {}, died() {} }).then(() => "started", (error) => error.message);
    await new Promise((resolve) => setImmediate(resolve));
    for (const descriptor of opened) closeSync(descriptor);
    console.log(said);`;

  it("is refused in words with the remedy, and its host lives", async () => {
    const node = [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      script,
    ];
    const command = ["-c", 'ulimit -n 64; exec "$0" "$@"', ...node];
    const { stdout, stderr } = await promisify(execFile)("/bin/sh", command);
    expect({ stdout, stderr }).toEqual({
      stdout:
        "a worker process could not be started: no file descriptor is left to this process; " +
        "raise its limit (ulimit -n, or nofile of the service or container)\n",
      stderr: "",
    });
  });
});
