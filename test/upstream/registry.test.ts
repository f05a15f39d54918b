import { afterAll, describe, expect, test } from "vitest";
import { defaultTimeouts } from "../../src/upstream/provider/watchdog.ts";
import { createModelRegistry } from "../../src/upstream/registry.ts";

const provider = (name: string, ...models: string[]) => ({
  name,
  type: "openai" as const,
  baseUrl: "http://127.0.0.1:9/v1",
  apiKeys: [],
  models,
  retries: 0,
  timeouts: defaultTimeouts,
  region: null,
  signing: null,
});
const registry = await createModelRegistry({
  providers: [provider("openai", "gpt-small", "shared", "odd:code"), provider("local", "shared", "org/qwen")],
  models: [],
});
afterAll(() => registry[Symbol.asyncDispose]());

describe("a model's name", () => {
  test.each([
    ["openai/gpt-small", "openai/gpt-small", undefined],
    ["gpt-small", "openai/gpt-small", undefined],
    ["org/qwen", "local/org/qwen", undefined],
    ["local/org/qwen", "local/org/qwen", undefined],
    ["builtin/script", "builtin/script", undefined],
    ["openai/gpt-small:code", "openai/gpt-small", "code"],
    ["gpt-small:agent", "openai/gpt-small", "agent"],
    ["builtin/script:plain", "builtin/script", "plain"],
    ["gpt-small:auto", "openai/gpt-small", "auto"],
    ["openai/odd:code", "openai/odd:code", undefined],
    ["odd:code", "openai/odd:code", undefined],
    ["odd:code:agent", "openai/odd:code", "agent"],
    ["openai/not-listed", "openai/not-listed", undefined],
    ["openai/not-listed:code", "openai/not-listed", "code"],
    ["local/llama:8b", "local/llama:8b", undefined],
  ])("%s means %s in the mode %s", (name, model, modeSuffix) => {
    const resolved = registry.resolve(name);
    expect({ model: resolved.model.name, modeSuffix: resolved.modeSuffix }).toEqual({ model, modeSuffix });
  });

  test.each(["gpt-large", "gpt-large:code", "nobody/gpt-small", "openai/", "/", "builtin/other", ":code"])(
    "%s is not known",
    (name) => {
      expect(() => registry.resolve(name)).toThrowError(
        expect.objectContaining({ code: "model_not_found", status: 404, param: "model" }),
      );
    },
  );

  test("that several providers list must say which is meant", () => {
    expect(() => registry.resolve("shared")).toThrowError("openai/shared, local/shared");
  });
});

test("every model is listed with each suffix, the built-in one first", () => {
  const ids = registry.list().map(({ id }) => id);
  expect(ids.slice(0, 6)).toEqual([
    "builtin/script",
    "builtin/script:plain",
    "builtin/script:agent",
    "builtin/script:code",
    "builtin/script:auto",
    "openai/gpt-small",
  ]);
  expect(ids).toContain("local/org/qwen:code");
  expect(registry.list().find(({ id }) => id === "local/shared")?.provider).toBe("local");
});
