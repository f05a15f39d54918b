/** The optional packages, and what is said when one is not there. */
import { expect, test } from "vitest";
import { loadSdk, type SdkImports } from "../../../src/upstream/sdk/sdk-package.ts";
import { failureOf } from "../helpers/answers.ts";
import { sdkProviders } from "../helpers/sdk.ts";

const settings = { baseUrl: "http://x", apiKey: "k", region: "eu-west-1", signing: null, fetch };

const failing = (error: Error): SdkImports => {
  const fail = () => Promise.reject(error);
  return { anthropic: fail, google: fail, bedrock: fail };
};

test.each(sdkProviders)("the package of $type opens a model of the form that is used", async ({ type }) => {
  const open = await loadSdk(type);
  expect(open(settings, "m")).toMatchObject({ specificationVersion: "v4", modelId: "m" });
});

test.each([
  ["anthropic", "@ai-sdk/anthropic@4"],
  ["google", "@ai-sdk/google@4"],
  ["bedrock", "@ai-sdk/amazon-bedrock@5"],
] as const)("without its package %s is refused with what to install", async (type, name) => {
  const missing = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  expect(await failureOf(loadSdk(type, failing(missing)))).toMatchObject({
    code: "config_error",
    message: `Providers of the type "${type}" need the package ${name}, which is not installed. Run: npm install ${name}`,
  });
});

test("a package that is there and broken is told from one that is not", async () => {
  expect(await failureOf(loadSdk("google", failing(new SyntaxError("odd"))))).toMatchObject({
    code: "config_error",
    message: expect.stringContaining("which cannot be loaded"),
  });
});

test("a package of another version is refused", async () => {
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  const earlier: typeof createAnthropic = (options) => {
    const create = createAnthropic(options);
    const older = (model: string) => ({ ...create(model), specificationVersion: "v2" });
    return older as unknown as typeof create;
  };
  const imports: SdkImports = {
    ...failing(new Error("not asked for")),
    anthropic: async () => ({ createAnthropic: earlier }),
  };
  expect(await failureOf(loadSdk("anthropic", imports))).toMatchObject({
    code: "config_error",
    message: expect.stringContaining("of which another version is installed"),
  });
});
