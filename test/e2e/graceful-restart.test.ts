import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { until } from "../helpers/until.ts";
import { startWorld } from "../helpers/world.ts";
import { startServer } from "./cli-process.ts";

const report = z.object({
  id: z.string(),
  status: z.string(),
  result: z.unknown(),
  pending: z.array(z.object({ call: z.string() })),
});

async function post(
  url: string,
  body: unknown,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

async function run(url: string, code: string, wait: boolean): Promise<z.infer<typeof report>> {
  return report.parse((await post(`${url}/v1/sandbox/runs`, { code, wait })).body);
}

const read = async (url: string, id: string): Promise<z.infer<typeof report>> =>
  report.parse(await (await fetch(`${url}/v1/sandbox/runs/${id}`)).json());

test("SIGTERM lets short runs finish and leaves long and waiting ones to the next process", {
  timeout: 60_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), "toolarium-restart-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  await using world = await startWorld(join(folder, "effects"));
  const config = join(folder, "toolarium.json");
  writeFileSync(
    config,
    JSON.stringify({
      mcpServers: { world: { url: world.url } },
      tools: { autoExecute: ["world/add"] },
      store: { path: "./runs.db" },
    }),
  );
  const first = await startServer(["--config", config]);
  const waiting = await run(
    first.url,
    'const said = [await world.add({ token: "w1" }), await world.order({ token: "w2" })]; return [...said, await world.add({ token: "w3" })]',
    true,
  );
  expect(waiting.status).toBe("waiting");
  const long = await run(
    first.url,
    'const before = await world.add({ token: "l1" }); await sleep(12_000); return [before, await world.add({ token: "l2" })]',
    false,
  );
  const short = run(first.url, 'await sleep(1_000); return await world.add({ token: "s1" })', true);
  await until("the long run sleeps", () => world.effects().includes("add l1"));

  first.process.kill("SIGTERM");
  await until("it was heard", () => first.stderr.includes("shutting down"));
  const decision = `/v1/runs/${waiting.id}/calls/${waiting.pending[0]?.call}`;
  const refused = { status: 503, body: { code: "not_ready" } };
  expect(await post(`${first.url}/v1/sandbox/runs`, { code: "return 1" })).toMatchObject(refused);
  expect(await post(`${first.url}${decision}`, { decision: "approve" })).toMatchObject(refused);
  expect(await short).toMatchObject({ status: "completed", result: "s1" });
  expect(await first.exited).toBe(0);

  const second = await startServer(["--config", config]);
  expect((await read(second.url, waiting.id)).status).toBe("waiting");
  const approved = await post(`${second.url}${decision}`, { decision: "approve" });
  expect(approved.body).toMatchObject({ status: "completed", result: ["w1", "w2", "w3"] });
  const ended = await until(
    "the long run has ended",
    async () => {
      const now = await read(second.url, long.id);
      return now.status === "running" ? undefined : now;
    },
    20_000,
  );
  expect(ended).toMatchObject({ status: "completed", result: ["l1", "l2"] });
  expect(world.effects().toSorted()).toEqual(["add l1", "add l2", "add s1", "add w1", "add w3", "order w2"]);
  second.process.kill("SIGTERM");
  expect(await second.exited).toBe(0);
});
