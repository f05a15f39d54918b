/** A store that has no room for more of a principal: what begins anew is refused, what belongs to a begun chat is not. */
import { expect, test } from "vitest";
import { defaultLimits } from "../../sandbox/limits.ts";
import type { CallRunRequest } from "../../src/runs/prepare/open-calls.ts";
import { everything, openCore, programRequest } from "../helpers/core.ts";
import { until } from "../helpers/until.ts";

test("a chat that was let in runs its programs though its principal has filled the store since", async () => {
  await using core = await openCore([], ":memory:", { settings: { maxBytesPerPrincipal: 50_000 } });
  const { runner, store } = core;
  const request: CallRunRequest = {
    principal: "ann",
    kind: "chat",
    policy: { layers: [everything] },
    consent: "auto",
    limits: defaultLimits,
  };
  const chat = await runner.openCalls(request);
  const fat = await runner.start(programRequest("return 'x'.repeat(60_000)", { principal: "ann" }));
  await fat.done;
  await until("it is counted", () => store.refusalFor("ann") !== undefined);
  const program = programRequest("return 1", { principal: "ann" });
  await expect(runner.start(program)).rejects.toMatchObject({ code: "store_full" });
  await expect(runner.openCalls(request)).rejects.toMatchObject({ code: "store_full" });
  const child = await runner.start({ ...program, parent: chat.id });
  expect(await child.done).toMatchObject({ status: "completed", result: 1 });
  chat.cancel();
  await chat.rest();
});
