import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "./helpers/server.ts";

let gateway: TestServer;
beforeAll(async () => {
  gateway = await startServer();
});
afterAll(() => gateway[Symbol.asyncDispose]());

const idsOf = async (server: TestServer): Promise<readonly string[]> =>
  (await server.send("/v1/models")).body.data.map(({ id }: { id: string }) => id);

test("models are listed with every mode as a suffix", async () => {
  expect(await idsOf(gateway)).toEqual([
    "builtin/script",
    "builtin/script:plain",
    "builtin/script:agent",
    "builtin/script:code",
    "builtin/script:auto",
  ]);
});

test("with server.modelSuffixes off only the models themselves are listed; suffixes still work", async () => {
  await using server = await gateway.alongside({ server: { modelSuffixes: false } });
  expect(await idsOf(server)).toEqual(["builtin/script"]);
  const { status, body } = await server.send("/v1/models/builtin/script:code");
  expect([status, body.id]).toEqual([200, "builtin/script:code"]);
});
