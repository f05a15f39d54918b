/** What does one tool call cost beyond the tool? */
import { defaultLimits } from "../../../sandbox/index.ts";
import { echoTool, everything, openCore, programRequest } from "../../helpers/core.ts";
import { engineRun, openPool, resultOf } from "../contenders/engine.ts";
import { ask, both, type Extent, interleave, percentiles, sample, tell, timed } from "../measure.ts";

const CALLS = 200;
const LOOP: string = `for (let i = 0; i < ${CALLS}; i++) await echo({ value: i })`;
const NO_PAUSE = (): Promise<void> => Promise.resolve();

export async function callCost({ short }: Extent): Promise<void> {
  ask("What does a call cost beyond the tool?");
  const rounds = short ? 3 : 30;
  {
    await using pool = await openPool({ workers: 1 });
    const run = (body: string) => (): Promise<number> =>
      timed(async () => resultOf(await pool.run(engineRun(body))));
    await tellPerCall("both walls (toolarium/sandbox)", rounds, run("return 0"), run(LOOP));
  }
  const { tool } = echoTool("echo", { readOnly: true });
  await using core = await openCore([tool]);
  const run = (code: string) => (): Promise<number> =>
    timed(async () => (await core.runner.start(programRequest(code))).done);
  await tellPerCall("both walls, gate, journal (0.5 ms aim)", rounds, run("return 0"), run(LOOP));

  const calls = await core.runner.openCalls({
    principal: "local",
    kind: "call",
    consent: "auto",
    policy: { layers: [everything] },
    limits: { ...defaultLimits, toolCalls: 1_000_000 },
  });
  const act = (): Promise<number> => timed(() => calls.call(calls.nextCallId(), "local/echo", '{"value":1}'));
  const inside = await sample(short ? 100 : 5_000, act, NO_PAUSE);
  await calls.end("completed");
  tell("inside the gateway (0.08 ms aim)", ...both(inside));
}

/** A run with many calls less a run with none, divided. */
async function tellPerCall(
  name: string,
  rounds: number,
  empty: () => Promise<number>,
  full: () => Promise<number>,
): Promise<void> {
  const [bases = [], fulls = []] = await interleave(rounds, [empty, full]);
  const perCall = fulls.map((ms, i) => (ms - (bases[i] ?? 0)) / CALLS);
  tell(name, ...both(percentiles(perCall)));
}
