/** What the revisions require of a server, by the official suite, with the suite's own tools behind the gateway. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHttpServer } from "../../src/http/server.ts";
import { configFrom, createGateway } from "../../src/index.ts";
import { expectedFailures, type Face } from "./expected-failures.ts";
import { type Revision, runRequirements } from "./helpers/conformance.ts";

/** The suite needs 4 s on an idle machine. */
const TIMEOUT_MS = 120_000;

const fixture = join(import.meta.dirname, "../fixtures/mcp/conformance-tools.ts");
const stack = new AsyncDisposableStack();
let url: string;

beforeAll(async () => {
  const { config } = configFrom({
    mcpServers: { suite: { command: process.execPath, args: [fixture] } },
    tools: { allow: ["*"], autoExecute: ["*"] },
    mcp: { unprefixed: true },
    server: { port: 0 },
  });
  const gateway = stack.use(await createGateway({ config }));
  await gateway.hub.settled;
  const http = await createHttpServer(gateway);
  stack.defer(() => http.close(0));
  url = (await http.listen()).url;
});
afterAll(() => stack.disposeAsync());

test.each<readonly [Face, Revision, number]>([
  ["/mcp/tools", "2025-11-25", 30],
  ["/mcp/tools", "2026-07-28", 37],
  ["/mcp", "2025-11-25", 30],
  ["/mcp", "2026-07-28", 37],
])(
  "%s does what %s requires in %i scenarios, but for what is listed with its reason",
  {
    timeout: TIMEOUT_MS,
  },
  async (face, revision, count) => {
    const { scenarios, failed } = await runRequirements(`${url}${face}`, revision);
    expect(scenarios).toHaveLength(count);
    // In both directions: a check of the list that passes is to be taken off it.
    expect(failed).toEqual(expectedFailures[face][revision].flatMap(({ checks }) => checks).toSorted());
  },
);
