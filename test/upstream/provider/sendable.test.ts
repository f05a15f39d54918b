/** What a caller sends that no provider can be sent, or that each would refuse, is the caller's, and counts against none. */
import { expect, test } from "vitest";
import type { ModelRequest } from "../../../src/upstream/model.ts";
import { startChat } from "../../chat/helpers/chat.ts";
import { failureOf, hello, readAnswer } from "../helpers/answers.ts";
import { completion, json, startProvider } from "../helpers/provider.ts";
import { inOrder, refuse, say, startRegistry } from "../helpers/registry.ts";

const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
const self: Record<string, unknown> = {};
self["self"] = [self, self];

test.each<[string, Partial<ModelRequest>, string | undefined]>([
  [
    "messages that are nested too deeply",
    { messages: [{ role: "user", content: nested(20_000) }] },
    "messages",
  ],
  [
    "tools that are nested too deeply",
    { tools: [{ type: "function", function: { parameters: nested(2_000) } }] },
    "tools",
  ],
  ["a parameter that is nested too deeply", { params: { vendor: nested(100_000) } }, "vendor"],
  ["a message that holds itself", { messages: [{ role: "user", content: self }] }, "messages"],
  ["a BigInt", { params: { seed: 1n } }, undefined],
])("%s is refused before any model of a chain is asked", async (_, request, param) => {
  await using world = await startRegistry({
    providers: { a: [say("a")], b: [say("b")] },
    models: { both: ["a/m", "b/m"] },
  });
  const { model } = world.registry.resolve("both");
  const failure = await failureOf(readAnswer(model, { ...request, stream: false }));
  expect(failure).toMatchObject({ code: "invalid_request", status: 400, param, retryable: false });
  expect([...world.requests("a"), ...world.requests("b")]).toHaveLength(0);
  // The first one is still asked first.
  expect((await readAnswer(model, { stream: false })).text).toBe("a");
});

test.each([400, 413, 415, 422])("a refusal with %i counts against no provider", async (status) => {
  await using world = await startRegistry({
    providers: { a: [inOrder(refuse(status), say("a"))], b: [say("b")] },
    models: { both: ["a/m", "b/m"] },
  });
  const { model } = world.registry.resolve("both");
  expect(await failureOf(readAnswer(model, hello))).toMatchObject({ status });
  expect((await readAnswer(model, hello)).text).toBe("a");
});

test("what is nested as deeply as anybody writes is sent", async () => {
  await using world = await startRegistry({ providers: { a: [say("a")] } });
  const request = { params: { vendor: nested(900) }, stream: false };
  expect((await readAnswer(world.registry.resolve("a/m").model, request)).text).toBe("a");
});

test("a client hears which field of its body is nested too deeply, in every mode", async () => {
  await using provider = await startProvider((response) =>
    json(response, 200, completion({ content: "hi" })),
  );
  await using chat = await startChat({ provider: provider.baseUrl });
  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  for (const mode of ["plain", "agent", "code"])
    for (const field of ["messages", "tools", "vendor"]) {
      const fields = {
        messages: `[{"role":"user","content":${field === "messages" ? deep : '"go"'}}]`,
        tools: `[{"type":"function","function":{"name":"f","parameters":${field === "tools" ? deep : "{}"}}}]`,
        vendor: field === "vendor" ? deep : "1",
      };
      const rest = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
      const response = await fetch(`${chat.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: `{"model":"test/m","mode":"${mode}",${rest.join(",")}}`,
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { param: field, code: "invalid_request" } });
    }
  expect(provider.requests).toHaveLength(0);
});
