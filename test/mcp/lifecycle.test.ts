import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { until } from "../helpers/until.ts";
import { call, isAlive, openHub, stateOf, stdio, toolNames } from "./hubs.ts";

describe("starting", () => {
  test("slow and broken servers do not hold up the others", async () => {
    await using hub = openHub([
      stdio("never-answers"),
      stdio("starts-slowly", ["60000"]),
      stdio("crashes-at-start"),
      stdio("prints-junk-on-stdout"),
    ]);

    const outcome = await call(hub, "prints-junk-on-stdout", "talk");

    expect(outcome.ok).toBe(true);
    expect(stateOf(hub, "never-answers").state).toBe("connecting");
    expect(stateOf(hub, "starts-slowly").state).toBe("connecting");
    expect(hub.sources().map(({ server }) => server)).toEqual(["prints-junk-on-stdout"]);
  });

  test("a call to a server that is still starting waits for it", async () => {
    await using hub = openHub([stdio("starts-slowly", ["300"])]);
    expect(await call(hub, "starts-slowly", "late")).toEqual({ ok: true, value: "call 1" });
    expect(stateOf(hub, "starts-slowly").startedInMs).toBeGreaterThanOrEqual(300);
  });

  test("a call to a server that is still starting is unavailable when its time is up, and is not made later", async () => {
    await using hub = openHub([stdio("starts-slowly", ["200"])]);
    expect(await call(hub, "starts-slowly", "late", {}, { timeoutMs: 50 })).toEqual({
      ok: false,
      failure: {
        kind: "unavailable",
        message: 'The server "starts-slowly" is not available: it is still starting.',
      },
    });
    await hub.settled;
    expect(await call(hub, "starts-slowly", "late")).toEqual({ ok: true, value: "call 1" });
  });

  test("a server that never answers is failed after its start limit, with its last words", async () => {
    await using hub = openHub([stdio("never-answers", [], { startTimeoutMs: 1_000 })]);
    await hub.settled;
    expect(stateOf(hub, "never-answers")).toMatchObject({
      state: "failed",
      lastError: "it was not ready within 1000 ms; it wrote: waiting for the license server",
    });
  });

  test("a disabled server is not started and says so", async () => {
    await using hub = openHub([stdio("dies-on-call", [], { disabled: true })]);
    await hub.settled;
    expect(stateOf(hub, "dies-on-call").state).toBe("disabled");
    expect(hub.sources()).toEqual([]);
    expect(await call(hub, "dies-on-call", "pid")).toMatchObject({
      ok: false,
      failure: {
        kind: "unavailable",
        message: 'The server "dies-on-call" is disabled in the configuration.',
      },
    });
  });

  test("two servers of one name are refused before any is started", () => {
    expect(() => openHub([stdio("dies-on-call"), stdio("dies-on-call")])).toThrow(
      "Two servers have the same name.",
    );
  });

  test("a call to a server that is not configured is unavailable", async () => {
    await using hub = openHub([]);
    await hub.settled;
    expect(await call(hub, "nobody", "x")).toEqual({
      ok: false,
      failure: { kind: "unavailable", message: 'There is no server "nobody".' },
    });
  });
});

describe("a server that dies", () => {
  test("fails the call in flight, is failed with its last words, and is started again", async () => {
    await using hub = openHub([stdio("dies-on-call")]);
    const before = await call(hub, "dies-on-call", "pid");

    const outcome = await call(hub, "dies-on-call", "die");

    expect(outcome).toEqual({
      ok: false,
      failure: {
        kind: "unavailable",
        message: 'The server "dies-on-call" is not available: its process exited with code 9.',
      },
    });
    expect(stateOf(hub, "dies-on-call")).toMatchObject({
      state: "failed",
      lastError: "its process exited with code 9; it wrote: fatal: the disk is on fire",
    });
    expect(toolNames(hub, "dies-on-call")).toEqual(["die", "pid"]);

    const after = await call(hub, "dies-on-call", "pid");
    expect(after.ok).toBe(true);
    expect(after).not.toEqual(before);
    expect(stateOf(hub, "dies-on-call")).toMatchObject({ state: "ready", lastError: null });
  });

  test.each(["empty", "refusing"])(
    "keeps its tools known when it comes back with a list that is %s",
    async (how) => {
      const folder = await mkdtemp(join(tmpdir(), "toolarium-mcp-"));
      const name = "comes-back-without-tools";
      await using hub = openHub([stdio(name, [how, join(folder, "marker")])]);
      await hub.settled;
      let changes = 0;
      hub.onChange(() => changes++);

      await call(hub, name, "die");
      await until("the server is failed", () => stateOf(hub, name).state === "failed");
      const isBack = (): boolean =>
        how === "empty"
          ? stateOf(hub, name).state === "ready"
          : stateOf(hub, name).lastError === 'it answered "the list is broken"';
      await until("it was started again", isBack);

      expect(toolNames(hub, name)).toEqual(["die"]);
      expect(changes).toBe(0);
      await rm(folder, { recursive: true });
    },
  );
});

describe("a server whose tools change", () => {
  test("is listed again within a second, and listeners are told until they stop", async () => {
    await using hub = openHub([stdio("changes-its-tools")]);
    let changes = 0;
    const stop = hub.onChange(() => changes++);
    await hub.settled;
    expect(changes).toBe(1);

    await call(hub, "changes-its-tools", "grow");
    await until("the new tool is listed", () => toolNames(hub, "changes-its-tools").includes("extra"), 1_000);
    expect(changes).toBe(2);

    stop();
    await call(hub, "changes-its-tools", "clear");
    await until("no tool is listed", () => toolNames(hub, "changes-its-tools").length === 0, 1_000);
    expect(changes).toBe(2);
  });

  test("keeps its known tools when the new list fails, and is asked once more", async () => {
    await using hub = openHub([stdio("changes-its-tools")]);
    await hub.settled;

    await call(hub, "changes-its-tools", "break");

    await until(
      "the new tool is listed",
      () => toolNames(hub, "changes-its-tools").includes("after_the_failure"),
      3_000,
    );
    expect(toolNames(hub, "changes-its-tools")).toContain("grow");
  });

  test("a listener that throws harms neither the server nor the other listeners", async () => {
    await using hub = openHub([stdio("changes-its-tools")]);
    let told = false;
    hub.onChange(() => {
      throw new Error("a bug elsewhere");
    });
    hub.onChange(() => {
      told = true;
    });
    await hub.settled;
    expect(told).toBe(true);
    expect(stateOf(hub, "changes-its-tools").state).toBe("ready");
  });
});

describe("dispose", () => {
  test("answers calls in flight, ends every child, starts none again, and can be repeated", async () => {
    const hub = openHub([stdio("answers-in-every-shape"), stdio("dies-on-call"), stdio("never-answers")]);
    const pid = await call(hub, "dies-on-call", "pid");
    const pending = [call(hub, "answers-in-every-shape", "hang"), call(hub, "never-answers", "x")];
    await until("the server is ready", () => stateOf(hub, "answers-in-every-shape").state === "ready");

    await Promise.all([hub[Symbol.asyncDispose](), hub[Symbol.asyncDispose]()]);

    expect((await Promise.all(pending)).map((outcome) => !outcome.ok && outcome.failure.kind)).toEqual([
      "unavailable",
      "unavailable",
    ]);
    expect(hub.servers().map(({ state }) => state)).toEqual(["closed", "closed", "closed"]);
    expect(isAlive(Number(pid.ok && pid.value))).toBe(false);
    await hub[Symbol.asyncDispose]();
    expect(await call(hub, "dies-on-call", "pid")).toMatchObject({
      ok: false,
      failure: { kind: "unavailable" },
    });
  });

  test("in the middle of a start leaves nothing running", async () => {
    const hub = openHub([stdio("starts-slowly", ["30000"])]);
    await hub[Symbol.asyncDispose]();
    await hub.settled;
    expect(stateOf(hub, "starts-slowly").state).toBe("closed");
  });
});
