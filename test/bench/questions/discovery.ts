/** How long until the tools of a stdio server are known? */
import { fileURLToPath } from "node:url";
import { createLog } from "../../../src/log.ts";
import { createHub } from "../../../src/mcp/hub.ts";
import { ask, both, type Extent, percentiles, tell } from "../measure.ts";

const server: string = fileURLToPath(new URL("../fixtures/fifty-tools.ts", import.meta.url));

export async function discovery({ short }: Extent): Promise<void> {
  ask("How long until the fifty tools of a stdio server are known?");
  const fromStart: number[] = [];
  const fromAnswer: number[] = [];
  for (let i = 0; i < (short ? 1 : 10); i++) {
    const startedAt = performance.now();
    await using hub = createHub(
      [
        {
          name: "fifty",
          type: "stdio",
          command: process.execPath,
          args: [server],
          env: {},
          disabled: false,
          startTimeoutMs: 30_000,
          trustAnnotations: false,
          protocol: "auto",
        },
      ],
      { log: createLog("silent") },
    );
    await hub.settled;
    const knownAt = process.hrtime.bigint();
    fromStart.push(performance.now() - startedAt);
    const tools = hub.sources()[0]?.tools ?? [];
    if (tools.length !== 50) throw new Error(`${tools.length} tools were found, not 50`);
    // The same monotonic clock in both processes.
    fromAnswer.push(Number(knownAt - BigInt(tools[0]?.description ?? 0)) / 1e6);
  }
  tell("from the server's answer to initialize", ...both(percentiles(fromAnswer)));
  tell("from the start of its process", ...both(percentiles(fromStart)));
}
