/** A registry whose providers are on loopback and whose clock is the test's. */
import { configFrom } from "../../../src/config/load.ts";
import { createModelRegistry, type ModelRegistry } from "../../../src/upstream/registry.ts";
import { createTestClock, type TestClock } from "./clock.ts";
import {
  completion,
  json,
  type ProviderAnswer,
  type ProviderRequest,
  startProvider,
  type TestProvider,
} from "./provider.ts";

export interface TestRegistry extends AsyncDisposable {
  readonly registry: ModelRegistry;
  readonly clock: TestClock;
  /** What the log was told. */
  readonly warnings: readonly unknown[];
  /** The requests that a provider was sent. */
  requests(provider: string): readonly ProviderRequest[];
  /** The keys of these requests. */
  keys(provider: string): readonly string[];
}

export interface TestRegistryOptions {
  /** By name, how it answers and its configuration beside `baseUrl`. */
  readonly providers: { readonly [name: string]: readonly [answer: ProviderAnswer, config?: object] };
  readonly models?: { readonly [name: string]: readonly string[] };
}

export async function startRegistry({ providers, models = {} }: TestRegistryOptions): Promise<TestRegistry> {
  await using building = new AsyncDisposableStack();
  const started = new Map<string, TestProvider>();
  const entries: Record<string, object> = {};
  for (const [name, [answer, config = {}]] of Object.entries(providers)) {
    const provider = building.use(await startProvider(answer));
    started.set(name, provider);
    entries[name] = { baseUrl: provider.baseUrl, ...config };
  }
  const clock = createTestClock();
  const warnings: unknown[] = [];
  const log = { warn: (...said: unknown[]) => void warnings.push(said) };
  const { config } = configFrom({ providers: entries, models });
  const registry = building.use(await createModelRegistry(config, { clock, log }));
  const requests = (name: string) => started.get(name)?.requests ?? [];
  const parts = building.move();
  return {
    registry,
    clock,
    warnings,
    requests,
    keys: (name) =>
      requests(name).map(({ headers }) => headers.authorization?.replace("Bearer ", "") ?? "none"),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

/** Refuses as OpenAI does. */
export const refuse =
  (status: number, headers: Record<string, string> = {}): ProviderAnswer =>
  (response) =>
    json(response, status, { error: { message: `refused with ${status}`, type: "their_type" } }, headers);

/** Answers with this text. */
export const say =
  (text: string): ProviderAnswer =>
  (response) =>
    json(response, 200, completion({ content: text }));

/** Answers each request by the next of these, the last for ever. */
export const inOrder =
  (...answers: readonly ProviderAnswer[]): ProviderAnswer =>
  (response, request, count) =>
    answers[Math.min(count, answers.length) - 1]?.(response, request, count);
