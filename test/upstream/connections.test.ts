/** How requests to a provider go out: with the headers of its entry, and through a proxy where one is named. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configFrom } from "../../src/config/load.ts";
import { createModelRegistry, type ModelRegistry } from "../../src/upstream/registry.ts";
import { completion, json, startProvider, type TestProvider } from "./helpers/provider.ts";
import { startProxy, type TestProxy } from "./helpers/proxy.ts";

let provider: TestProvider;
let proxy: TestProxy;
beforeAll(async () => {
  [provider, proxy] = await Promise.all([
    startProvider((response) => json(response, 200, completion({ content: "hello" }))),
    startProxy(() => Number(new URL(provider.baseUrl).port)),
  ]);
});
afterAll(async () => {
  await provider[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

describe("headers of a provider's entry", () => {
  test("are sent with every request, and win over ours", async () => {
    provider.forget();
    await ask({
      apiKey: "sk-the-usual-key",
      organization: "org-7",
      project: "proj-9",
      headers: { "X-Team": "blue", Authorization: "Token another-scheme" },
    });
    expect(provider.requests[0]?.headers).toMatchObject({
      "openai-organization": "org-7",
      "openai-project": "proj-9",
      "x-team": "blue",
      authorization: "Token another-scheme",
      "content-type": "application/json",
    });
  });

  test.each([
    [{ apiKey: "sk-from-a-file\n" }, "apiKey: expected text without blanks and line ends"],
    [
      { apiKeys: [{ key: "sk-1\r\nx-evil: 1" }] },
      "apiKeys[0].key: expected text without blanks and line ends",
    ],
    [{ headers: { "x-a": "one\r\nx-evil: 1" } }, "expected one line of text"],
    [{ headers: { "x a": "one" } }, "expected the name of a header"],
    [{ headers: { Host: "elsewhere" } }, "is set by the gateway itself"],
    [{ organization: "my org" }, "organization: expected text without blanks"],
    [{ proxy: "localhost:3128" }, "proxy: expected an http or https URL"],
    [{ type: "anthropic", apiKey: "k", organization: "o" }, 'is only for providers of the type "openai"'],
  ])("that no request can hold are a fault of the configuration: %j", (entry, fault) => {
    const config = { providers: { p: { baseUrl: "https://models.example/v1", models: ["m"], ...entry } } };
    expect(() => configFrom(config)).toThrow(fault);
  });
});

describe("a proxy", () => {
  test("of the provider's entry is asked, with its credentials, and nobody else", async () => {
    proxy.forget();
    await ask({ baseUrl: "http://models.example/v1", proxy: `http://me:secret%21@127.0.0.1:${proxy.port}` });
    expect(proxy.targets).toEqual(["models.example"]);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from("me:secret!").toString("base64")}`]);
  });

  test("of the environment is asked for other machines", async () => {
    proxy.forget();
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: "inside.example" };
    await ask({ baseUrl: "http://models.example/v1" }, env);
    expect(proxy.targets).toEqual(["models.example"]);
  });

  test("of the environment is not asked for this machine, nor for what NO_PROXY names", async () => {
    proxy.forget();
    await ask({}, { HTTP_PROXY: `http://127.0.0.1:${proxy.port}` });
    await ask({}, { HTTP_PROXY: "http://127.0.0.1:1", NO_PROXY: "*" });
    expect(proxy.targets).toEqual([]);
  });
});

async function ask(entry: object, env: Record<string, string> = {}): Promise<void> {
  const { config } = configFrom({
    providers: { p: { baseUrl: provider.baseUrl, models: ["m"], retries: 0, ...entry } },
  });
  await using registry: ModelRegistry = await createModelRegistry(config, { env });
  const { model } = registry.resolve("p/m");
  const request = { messages: [{ role: "user", content: "hi" }], tools: [], params: {}, stream: false };
  const parts = await Array.fromAsync(model.stream({ ...request, raw: false }, new AbortController().signal));
  expect(parts).toContainEqual({ type: "text-delta", text: "hello" });
}
