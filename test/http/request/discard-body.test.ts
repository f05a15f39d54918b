import { createServer, type IncomingMessage, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { discardBody } from "../../../src/http/request/discard-body.ts";

type Discard = (incoming: IncomingMessage) => Promise<boolean>;

/** What `discard` returns for a request that sends these bytes and then stalls, unless it `ends`. */
async function discarded(discard: Discard, bytes: number, ends: boolean): Promise<boolean> {
  const verdict = Promise.withResolvers<boolean>();
  const server = createServer((incoming) => void discard(incoming).then(verdict.resolve, verdict.reject));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const client = send({ host: "127.0.0.1", port, method: "POST", agent: false });
  client.on("error", () => {});
  client.write(Buffer.alloc(bytes));
  if (ends) client.end();
  const said = await verdict.promise;
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return said;
}

test("a body is read to its end", async () => {
  expect(await discarded((incoming) => discardBody(incoming), 2_000_000, true)).toBe(true);
});

test("a client that sends too many bytes is abandoned", async () => {
  expect(await discarded((incoming) => discardBody(incoming, { bytes: 100_000 }), 2_000_000, false)).toBe(
    false,
  );
});

test("a client that takes too long is abandoned", async () => {
  expect(await discarded((incoming) => discardBody(incoming, { ms: 20 }), 10, false)).toBe(false);
});
