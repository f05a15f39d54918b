/**
 * The globals of a program, and the host's entry: `enter(kind, n, at, text)`, one settlement or timer per entry. The
 * guest answers with `post(text, last)`, a JSON array of rows (`parsePosts` in guest-posts.ts reads them). All parts
 * capture the builtins they use before guest code can touch a prototype.
 */
interface StartConfig {
  namespaces: unknown;
  input: string;
  seed: string;
  /** Source map of the program's text: see `EngineProgram`. */
  origins?: string;
  limits: Limits;
}
interface Limits {
  toolCalls: number;
  toolArgsBytes: number;
  resultBytes: number;
  logBytes: number;
  logLines: number;
}
interface Parts {
  readonly posts: { begin(): void; connect(post: Post): void; emit(row: string): void };
  readonly printed: { begin(limits: Limits): void; entered(): void };
  readonly clock: {
    start(seed: string, at: number): void;
    advance(at: number): void;
    readonly globals: Globals;
  };
  readonly text: { decode(text: string): unknown };
  readonly stacks: { begin(origins: string | undefined): void; placeOf(error: object): string };
  readonly promises: { begin(): void; entered(): void; waiting(): Promise<object | undefined> };
  readonly namespaces: {
    show(on: object, name: string, value: unknown, enumerable: boolean): void;
    install(scope: object, namespaces: unknown, callable: unknown): void;
  };
  readonly calls: {
    begin(limits: Limits): void;
    settle(kind: string, n: number, text: string): void;
    readonly callable: unknown;
    readonly ToolError: unknown;
  };
  readonly timers: { begin(): void; fire(n: number): void; readonly globals: Globals };
  readonly console: { begin(): void; readonly globals: Globals };
  readonly endings: { begin(limits: Limits): void; main(run: () => unknown): Promise<void> };
  readonly extras: readonly { readonly globals: Globals }[];
}
type Globals = Record<string, unknown>;
type Post = (text: string, last: boolean) => void;

(
  post: Post,
  posts: Parts["posts"],
  printed: Parts["printed"],
  clock: Parts["clock"],
  { decode }: Parts["text"],
  stacks: Parts["stacks"],
  promises: Parts["promises"],
  { show, install }: Parts["namespaces"],
  calls: Parts["calls"],
  timers: Parts["timers"],
  console: Parts["console"],
  endings: Parts["endings"],
  ...extras: Parts["extras"]
) => {
  const { parse, stringify } = JSON;
  const { create, keys, defineProperty } = Object;
  const scope = globalThis as unknown as Record<string, unknown>;
  const none: Limits = { toolCalls: 0, toolArgsBytes: 0, resultBytes: 0, logBytes: 0, logLines: 0 };

  /** Globals the engine relies on: fixed. A program may replace any other by a definition of its own. */
  const lasting = ["console", "setTimeout", "clearTimeout", "sleep", "ToolError"];
  for (const given of [console.globals, timers.globals, { ToolError: calls.ToolError }, clock.globals])
    expose(given);
  for (const { globals } of extras) expose(globals);
  function expose(globals: Globals): void {
    for (const name of keys(globals)) {
      if (lasting.includes(name)) show(scope, name, globals[name], false);
      else
        defineProperty(scope, name, {
          value: globals[name],
          writable: true,
          enumerable: false,
          configurable: true,
        });
    }
  }

  const begin = (limits: Limits): void => {
    printed.begin(limits);
    calls.begin(limits);
    endings.begin(limits);
    timers.begin();
    promises.begin();
    console.begin();
  };
  const start = (on: object, at: number, config: string, program: () => unknown): void => {
    const { namespaces, input, seed, origins, limits } = parse(config) as StartConfig;
    begin(limits);
    stacks.begin(origins);
    clock.start(seed, at);
    install(on, namespaces, calls.callable);
    show(on, "input", decode(input), true);
    void endings.main(program);
  };

  /**
   * Warm-up: one whole run before any program needs the isolate, because the engine compiles each function at its first
   * call. Its tools are properties of an object instead of globalThis. The host settles its two calls and its timer as
   * in any run. `ready` then removes every trace: posts were discarded, the globals are untouched, and no number is
   * used up.
   */
  const rehearse = (config: string, program: (scope: object) => unknown): void => {
    const on = create(null);
    start(on, 0, config, () => program(on));
  };
  const ready = (): void => {
    begin(none);
    posts.begin();
    posts.connect(post);
  };
  const enter = (kind: string, n: number, at: number, text: string): void => {
    clock.advance(at);
    printed.entered();
    promises.entered();
    if (kind === "timer") timers.fire(n);
    else calls.settle(kind, n, text);
  };
  /** Called when the run is about to end because nothing can make it continue. */
  const tellWhere = async (): Promise<void> => {
    const trace = await promises.waiting();
    posts.emit(`["at",${stringify(trace === undefined ? "" : stacks.placeOf(trace))}]`);
  };

  return (kind: string, n: number, at: number, text: string, program?: (scope: object) => unknown): void => {
    if (kind === "start") start(scope, at, text, program as () => unknown);
    else if (kind === "rehearse") rehearse(text, program as (scope: object) => unknown);
    else if (kind === "ready") ready();
    else if (kind === "where") void tellWhere();
    else enter(kind, n, at, text);
  };
};

export {};
