/**
 * What a program sees, and the only code in the isolate that speaks to the host. Out goes `post(text, last)`, a JSON
 * array of rows (`parsePosts` in guest-posts.ts reads them); in comes `enter(kind, n, at, text)`, one settlement or timer
 * per entry. Everything it needs of the language is captured here, before guest code can touch a prototype.
 */
type Encoded =
  | { readonly ok: true; readonly text: string; readonly remark?: string }
  | { readonly ok: false; readonly fault: string };
type Failure = { kind: string; message: string; server: string; tool: string; data?: string };
type Callable = (...args: unknown[]) => Promise<unknown>;
/** The names of arguments that are passed in order; a string is the name for all of them, as one array. */
type Positional = readonly string[] | string;
interface StartConfig {
  namespaces: unknown;
  input: string;
  seed: string;
  limits: {
    toolCalls: number;
    toolArgsBytes: number;
    resultBytes: number;
    logBytes: number;
    logLines: number;
  };
}
interface Clock {
  start(seed: string, at: number): void;
  advance(at: number): void;
}
interface Text {
  utf8Length(text: string): number;
  decode(text: string): unknown;
}
interface Errors {
  isError(value: unknown): value is object;
  textOf(error: object): string;
  innerOf(error: object): {
    readonly shown: readonly { readonly label: string; readonly error: unknown }[];
    readonly left: number;
  };
}
interface Printed {
  begin(limits: StartConfig["limits"]): void;
  add(level: string, text: string): "send now" | "send soon" | "send later";
  take(): string;
  entered(): void;
}
interface Namespaces {
  show(on: object, name: string, value: unknown, enumerable: boolean): void;
  install(
    scope: object,
    namespaces: unknown,
    callable: (server: string, tool: string, positional?: Positional) => Callable,
  ): void;
}

(
  post: (text: string, last: boolean) => void,
  encode: (value: unknown, root: string) => Encoded,
  clock: Clock,
  { utf8Length, decode }: Text,
  display: (value: unknown) => string,
  { show, install }: Namespaces,
  { isError, textOf, innerOf }: Errors,
  printed: Printed,
) => {
  const BATCH_CHARS = 65_536;
  const MAX_ARMED_TIMERS = 1_000;
  /** Every timer stays in the run's history. */
  const MAX_TIMERS = 100_000;
  /** No tool has such a name; what is longer is refused by its beginning. */
  const MAX_NAME_CHARS = 256;
  const MAX_REMARK_CHARS = 400;
  const MAX_TIMER_MS = 2_147_483_647;
  const { parse, stringify } = JSON;
  const { apply, defineProperty, setPrototypeOf } = Reflect;
  const { create, freeze } = Object;
  const { floor } = Math;
  const { isNaN } = Number;
  const GuestPromise = Promise;
  const GuestError = Error;
  const GuestRangeError = RangeError;
  const GuestTypeError = TypeError;
  const slice = String.prototype.slice;
  const indexOf = String.prototype.indexOf;
  const never = new GuestPromise<never>(() => undefined);
  const scope = globalThis as unknown as Record<string, unknown>;

  type Waiting = {
    resolve(value: unknown): void;
    reject(error: unknown): void;
    trace: { stack?: string } | null;
    /** What its arguments lost on their way into JSON: the host sees only null. */
    lost: string | undefined;
  };
  const waiting: Record<number, Waiting> = create(null);
  const timers: Record<number, { run: unknown; args: unknown[] }> = create(null);
  let limits: StartConfig["limits"] = {
    toolCalls: 0,
    toolArgsBytes: 0,
    resultBytes: 0,
    logBytes: 0,
    logLines: 0,
  };
  let issued = 0;
  let calls = 0;
  let armed = 0;
  let timersIssued = 0;
  let remarked = false;
  let over = false;
  let batch = "";
  let flushes = false;
  /** The rehearsal is heard by nobody. */
  let say: typeof post = () => undefined;

  // ---- posts: one frame per burst, flushed in a microtask of the same entry -------------------------------------
  const emit = (row: string): void => {
    if (over) return;
    gather(printed.take());
    gather(row);
    if (batch.length > BATCH_CHARS) flush();
    else flushSoon();
  };
  const gather = (rows: string): void => {
    if (rows !== "") batch += (batch === "" ? "" : ",") + rows;
  };
  const flushSoon = (): void => {
    if (!flushes) void flushAfterBurst();
  };
  /** `await` and not `then`, which would ask the program's Promise for its constructor and species. */
  const flushAfterBurst = async (): Promise<void> => {
    flushes = true;
    await undefined;
    flushes = false;
    flush();
  };
  const flush = (): void => {
    gather(printed.take());
    const rows = batch;
    batch = "";
    if (rows !== "") say(`[${rows}]`, false);
  };
  /** The last word, in one post with what was not sent yet: the worker asks for the heap's size when it sees it. */
  const finish = (row: string): void => {
    if (over) return;
    over = true;
    gather(printed.take());
    gather(row);
    const rows = batch;
    batch = "";
    say(`[${rows}]`, true);
  };
  const remark = (text: string | undefined): void => {
    if (text !== undefined) emit(`["remark",${stringify(apply(slice, text, [0, MAX_REMARK_CHARS]))}]`);
  };

  // ---- tool calls -----------------------------------------------------------------------------------------------
  class ToolError extends GuestError {
    declare server: string;
    declare tool: string;
    declare kind: string;
    declare data: unknown;
    constructor(failure: Failure) {
      super(failure.message);
      field(this, "server", failure.server);
      field(this, "tool", failure.tool);
      field(this, "kind", failure.kind);
      if (failure.data !== undefined) field(this, "data", decode(failure.data));
    }
  }
  const field = (on: object, name: string, value: unknown): void => {
    defineProperty(on, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    } as never);
  };
  defineProperty(ToolError.prototype, "name", { value: "ToolError", writable: true, configurable: true });
  /** What truly failed; the program may rewrite its error's fields, or make such errors itself. */
  const failures = new WeakMap<object, Failure>();
  const { get: getFailure, set: setFailure } = WeakMap.prototype;

  const call = (
    server: string,
    tool: string,
    positional: Positional | undefined,
    args: unknown[],
  ): Promise<unknown> => {
    if (over || calls > limits.toolCalls) return never;
    const encoded = encode(
      positional === undefined ? namedArguments(args) : zip(positional, args),
      "arguments",
    );
    let fault: string | undefined;
    if (!encoded.ok) fault = encoded.fault;
    else if (utf8Length(encoded.text) > limits.toolArgsBytes)
      fault = `!the arguments are larger than ${limits.toolArgsBytes} bytes`;
    const text = encoded.ok && fault === undefined ? encoded.text : "null";
    const faultText = fault === undefined ? "" : `,${stringify(fault)}`;
    if (encoded.ok && !remarked && encoded.remark !== undefined) {
      remarked = true;
      remark(`In a call of ${server}/${tool}, ${encoded.remark}.`);
    }
    // Numbered only now: reading the arguments runs the program's getters, which may call tools themselves.
    issued += 1;
    calls += 1;
    const n = issued;
    emit(`["call",${n},${nameText(server)},${nameText(tool)},${stringify(text)}${faultText}]`);
    const trace = new GuestError();
    return new GuestPromise((resolve, reject) => {
      waiting[n] = { resolve, reject, trace, lost: encoded.ok ? encoded.remark : undefined };
    });
  };
  const nameText = (name: string): string =>
    stringify(name.length > MAX_NAME_CHARS ? apply(slice, name, [0, MAX_NAME_CHARS]) : name);
  const namedArguments = (args: unknown[]): unknown =>
    args.length === 0 || args[0] === undefined ? create(null) : args[0];
  const zip = (names: Positional, args: unknown[]): object => {
    const record = create(null);
    if (typeof names === "string") {
      record[names] = args;
      return record;
    }
    const given = names.length < args.length ? names.length : args.length;
    for (let i = 0; i < given; i++) if (args[i] !== undefined) record[names[i] as string] = args[i];
    return record;
  };
  const callable = (server: string, tool: string, positional?: Positional): Callable => {
    // A property's function has its name.
    const named = { [tool]: (...args: unknown[]): Promise<unknown> => call(server, tool, positional, args) };
    return freeze(named[tool] as Callable);
  };

  /** An error of the entry that settles a call has no frame of the program: it gets those of the call. */
  const toolError = (failure: Failure, trace: { stack?: string } | null): ToolError => {
    const error = new ToolError(failure);
    apply(setFailure, failures, [error, failure]);
    const stack = trace?.stack;
    if (typeof stack === "string") {
      const lineEnd: number = apply(indexOf, stack, ["\n"]);
      const frames: string = lineEnd < 0 ? "" : apply(slice, stack, [lineEnd]);
      defineProperty(error, "stack", {
        __proto__: null,
        value: `ToolError: ${failure.message}${frames}`,
        writable: true,
        configurable: true,
      } as never);
    }
    return error;
  };

  // ---- console and timers -----------------------------------------------------------------------------------------
  const print = (level: string, args: unknown[]): void => {
    if (over) return;
    let text = "";
    for (let i = 0; i < args.length; i++) text += (i === 0 ? "" : " ") + display(args[i]);
    // Reading the values may have ended the run.
    if (over) return;
    const when = printed.add(level, text);
    if (when === "send now") flush();
    else if (when === "send soon") flushSoon();
  };
  const consoleObject = create(null);
  for (const level of ["log", "info", "warn", "error", "debug"])
    show(
      consoleObject,
      level,
      freeze((...args: unknown[]) => print(level, args)),
      true,
    );

  const arm = (run: unknown, delay: unknown, args: unknown[]): number => {
    const asked = floor(toNumber(delay));
    if (armed >= MAX_ARMED_TIMERS)
      throw new GuestRangeError(`more than ${MAX_ARMED_TIMERS} timers are armed`);
    if (timersIssued >= MAX_TIMERS) throw new GuestRangeError(`more than ${MAX_TIMERS} timers in one run`);
    timersIssued += 1;
    const delayMs = asked > 0 ? (asked < MAX_TIMER_MS ? asked : MAX_TIMER_MS) : 0;
    issued += 1;
    armed += 1;
    timers[issued] = { run, args };
    emit(`["timer",${issued},${delayMs}]`);
    return issued;
  };
  const toNumber = (value: unknown): number => {
    const number = +(value as number);
    return isNaN(number) ? 0 : number;
  };
  const clearTimeout = (id: unknown): void => {
    if (typeof id !== "number" || timers[id] === undefined) return;
    delete timers[id];
    armed -= 1;
    emit(`["clear",${id}]`);
  };
  const expose: Record<string, unknown> = {
    console: freeze(consoleObject),
    setTimeout: freeze((run: unknown, delay?: unknown, ...args: unknown[]) => {
      if (typeof run !== "function") throw new GuestTypeError("setTimeout needs a function");
      return arm(run, delay, args);
    }),
    clearTimeout: freeze(clearTimeout),
    sleep: freeze((delay: unknown) => new GuestPromise((resolve) => arm(resolve, delay, []))),
    ToolError,
  };
  // A program that changed its parent would be called when the next tool fails.
  freeze(ToolError);
  for (const name of Object.keys(expose)) show(scope, name, expose[name], false);

  // ---- the end ----------------------------------------------------------------------------------------------------
  const main = async (run: () => unknown): Promise<void> => {
    let value: unknown;
    try {
      value = await run();
    } catch (thrown) {
      onThrow(thrown);
      return;
    }
    onDone(value);
  };
  const onDone = (value: unknown): void => {
    if (over) return;
    const encoded = encode(value, "result");
    if (!encoded.ok)
      fail("not_serializable", `The returned value cannot be written as JSON: ${encoded.fault}.`, "");
    else if (encoded.text.length > limits.resultBytes || utf8Length(encoded.text) > limits.resultBytes)
      fail("result_too_large", `The returned value is larger than ${limits.resultBytes} bytes.`, "");
    else {
      remark(encoded.remark === undefined ? undefined : `In the returned value, ${encoded.remark}.`);
      finish(`["done",${stringify(encoded.text)}]`);
    }
  };
  const onThrow = (thrown: unknown): void => {
    if (over) return;
    let message = "a thrown value that cannot be read";
    let stack = "";
    let tool = "";
    let inner = "";
    try {
      if (isError(thrown)) {
        message = textOf(thrown);
        stack = `${(thrown as { stack?: unknown }).stack}`;
        const failure: Failure | undefined = apply(getFailure, failures, [thrown]);
        if (failure !== undefined) {
          const { server, tool: name, kind } = failure;
          tool = `,"tool":{"server":${stringify(server)},"tool":${stringify(name)},"kind":${stringify(kind)}}`;
        }
        inner = innerText(thrown);
      } else message = `Thrown: ${display(thrown)}`;
    } catch {
      // A getter of the thrown value threw; what was read so far is what there is.
    }
    fail("guest_error", message, stack, tool + inner);
  };
  /** The errors this one stands on, each with the place it has in the program. */
  const innerText = (outer: object): string => {
    const { shown, left } = innerOf(outer);
    let text = "";
    for (let i = 0; i < shown.length; i++) {
      const { label, error } = shown[i] as (typeof shown)[number];
      const failure: Failure | undefined = isError(error) ? apply(getFailure, failures, [error]) : undefined;
      const of = failure === undefined ? "" : ` (${failure.server}/${failure.tool})`;
      const words = `${isError(error) ? textOf(error) : display(error)}${of}`;
      const stack = isError(error) ? `${(error as { stack?: unknown }).stack}` : "";
      text += `${i === 0 ? "" : ","}[${cut(label, 100)},${cut(words, 500)},${cut(stack, 2_000)}]`;
    }
    return text === "" ? "" : `,"inner":[${text}],"left":${left}`;
  };
  const cut = (text: string, most: number): string => stringify(apply(slice, text, [0, most]));
  const fail = (code: string, message: string, stack: string, rest = ""): void => {
    finish(
      `["fail",{"code":"${code}","message":${cut(message, 4_096)},"stack":${cut(stack, 4_096)}${rest}}]`,
    );
  };

  // ---- entries --------------------------------------------------------------------------------------------------
  const start = (on: object, at: number, config: string, program: () => unknown): void => {
    const { namespaces, input, seed, limits: given } = parse(config) as StartConfig;
    limits = given;
    printed.begin(given);
    clock.start(seed, at);
    install(on, namespaces, callable);
    show(on, "input", decode(input), true);
    void main(program);
  };

  const settle = (kind: string, n: number, text: string): void => {
    const call = waiting[n];
    if (call === undefined) return;
    delete waiting[n];
    if (kind === "value") call.resolve(decode(text));
    else {
      const failure = parse(text) as Failure;
      // Fields it lacks must not be found on the program's Object.prototype.
      setPrototypeOf(failure, null);
      if (failure.kind === "invalid_arguments" && call.lost !== undefined)
        failure.message += ` In the program, ${call.lost}.`;
      call.reject(toolError(failure, call.trace));
    }
  };

  const fire = (n: number): void => {
    const timer = timers[n];
    if (timer === undefined) return;
    delete timers[n];
    armed -= 1;
    apply(timer.run as () => unknown, undefined, timer.args);
  };

  /**
   * A whole run while nobody waits, as the engine compiles each function at its first call. Its tools are on an object
   * instead of globalThis. The host settles its two calls and its timer like those of any run; `ready` then leaves no trace of it: nothing was posted, the globals are
   * untouched, and no number is used up.
   */
  const rehearse = (config: string, program: (scope: object) => unknown): void => {
    const on = create(null);
    start(on, 0, config, () => program(on));
  };
  const ready = (): void => {
    limits = { toolCalls: 0, toolArgsBytes: 0, resultBytes: 0, logBytes: 0, logLines: 0 };
    issued = 0;
    calls = 0;
    armed = 0;
    timersIssued = 0;
    remarked = false;
    over = false;
    say = post;
  };

  return (kind: string, n: number, at: number, text: string, program?: (scope: object) => unknown): void => {
    if (kind === "start") {
      start(scope, at, text, program as () => unknown);
      return;
    }
    if (kind === "rehearse") {
      rehearse(text, program as (scope: object) => unknown);
      return;
    }
    if (kind === "ready") {
      ready();
      return;
    }
    clock.advance(at);
    printed.entered();
    if (kind === "timer") fire(n);
    else settle(kind, n, text);
  };
};

export {};
