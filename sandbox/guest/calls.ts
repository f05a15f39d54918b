/** Tool calls: what is posted for one, and how its answer comes back. */
type Encoded =
  | { readonly ok: true; readonly text: string; readonly remark?: string }
  | { readonly ok: false; readonly fault: string };
type Callable = (...args: unknown[]) => Promise<unknown>;
/** The names of arguments that are passed in order. A string: one name for all arguments, passed as one array. */
type Positional = readonly string[] | string;
interface Failure {
  kind: string;
  message: string;
  server: string;
  tool: string;
  data?: string;
}
interface Calls {
  begin(limits: Limits): void;
  callable(server: string, tool: string, positional?: Positional): Callable;
  /** Settles a call, from an entry of the host. */
  settle(kind: string, n: number, text: string): void;
  /** The failure as the host reported it: the program may rewrite its error's fields, or make such errors itself. */
  failureOf(error: object): Failure | undefined;
  /** Unanswered calls by number, each with a trace of where it was made. */
  open(): Record<number, object>;
  readonly ToolError: unknown;
}
interface Limits {
  readonly toolCalls: number;
  readonly toolArgsBytes: number;
}
interface Posts {
  issue(): number;
  emit(row: string): void;
  remark(text: string | undefined): void;
  isOver(): boolean;
}
interface Text {
  utf8Length(text: string): number;
  decode(text: string): unknown;
}
interface Stacks {
  placeOf(error: object): string;
  lend(error: object, trace: object): void;
}

(
  { issue, emit, remark, isOver }: Posts,
  encode: (value: unknown, root: string) => Encoded,
  { utf8Length, decode }: Text,
  { placeOf, lend }: Stacks,
): Calls => {
  /** No tool has a longer name. A longer one is cut, and the host refuses what is left. */
  const MAX_NAME_CHARS = 256;
  const { parse, stringify } = JSON;
  const { apply, defineProperty, setPrototypeOf } = Reflect;
  const { create, freeze } = Object;
  const GuestPromise = Promise;
  const GuestError = Error;
  const { slice } = String.prototype;
  const never = new GuestPromise<never>(() => undefined);

  interface Waiting {
    resolve(value: unknown): void;
    reject(error: unknown): void;
    readonly trace: object;
    /** What the arguments lost on their way into JSON; the host sees only null. */
    readonly lost: string | undefined;
  }
  let waiting: Record<number, Waiting> = create(null);
  let limits: Limits = { toolCalls: 0, toolArgsBytes: 0 };
  let calls = 0;
  let remarked = false;

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
  // If the program could change its parent, the next failing tool would call the program's code.
  freeze(ToolError);
  const failures = new WeakMap<object, Failure>();
  const { get: getFailure, set: setFailure } = WeakMap.prototype;

  const call = (
    server: string,
    tool: string,
    positional: Positional | undefined,
    args: unknown[],
  ): Promise<unknown> => {
    if (isOver() || calls > limits.toolCalls) return never;
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
    const trace = new GuestError();
    // Numbered only now: reading the arguments runs the program's getters, which may call tools themselves.
    calls += 1;
    if (calls > limits.toolCalls) emit(`["at",${stringify(placeOf(trace))}]`);
    const n = issue();
    emit(`["call",${n},${nameText(server)},${nameText(tool)},${stringify(text)}${faultText}]`);
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

  /** An error made in the settling entry has no frame of the program, so it gets the frames of the call. */
  const toolError = (failure: Failure, trace: object): ToolError => {
    const error = new ToolError(failure);
    apply(setFailure, failures, [error, failure]);
    lend(error, trace);
    return error;
  };

  return {
    ToolError,
    failureOf: (error) => apply(getFailure, failures, [error]),
    begin(given) {
      limits = given;
      waiting = create(null);
      calls = 0;
      remarked = false;
    },
    callable(server, tool, positional) {
      // A function in a property takes the property's name.
      const named = {
        [tool]: (...args: unknown[]): Promise<unknown> => call(server, tool, positional, args),
      };
      return freeze(named[tool] as Callable);
    },
    settle(kind, n, text) {
      const settled = waiting[n];
      if (settled === undefined) return;
      delete waiting[n];
      if (kind === "value") {
        settled.resolve(decode(text));
        return;
      }
      const failure = parse(text) as Failure;
      // Fields that it lacks must not be looked up on the program's Object.prototype.
      setPrototypeOf(failure, null);
      if (failure.kind === "invalid_arguments" && settled.lost !== undefined)
        failure.message += ` In the program, ${settled.lost}.`;
      settled.reject(toolError(failure, settled.trace));
    },
    open() {
      const traces: Record<number, object> = create(null);
      for (const n in waiting) traces[n] = (waiting[n] as Waiting).trace;
      return traces;
    },
  };
};

export {};
