/** The end of the program: its result or its error, and what it left undone. */
type Encoded =
  | { readonly ok: true; readonly text: string; readonly remark?: string }
  | { readonly ok: false; readonly fault: string };
interface Endings {
  begin(limits: Limits): void;
  /** Runs the program to its end. */
  main(run: () => unknown): Promise<void>;
}
interface Limits {
  readonly resultBytes: number;
}
interface Posts {
  emit(row: string): void;
  remark(text: string | undefined): void;
  finish(row: string): void;
  isOver(): boolean;
}
interface Errors {
  isError(value: unknown): value is object;
  textOf(error: object): string;
  innerOf(error: object): {
    readonly shown: readonly { readonly label: string; readonly error: unknown }[];
    readonly left: number;
  };
}
interface Calls {
  failureOf(error: object): { kind: string; server: string; tool: string } | undefined;
  open(): Record<number, object>;
}
interface Timers {
  armed(): readonly {
    readonly n: number;
    readonly id: number;
    readonly trace: object;
    readonly kind: string;
  }[];
}
interface Promises {
  late(): { readonly size: number; readonly reasons: Record<number, unknown> };
}
interface Stacks {
  placeOf(error: object): string;
  isInExecutor(error: object): boolean;
}

(
  { remark, finish, isOver }: Posts,
  encode: (value: unknown, root: string) => Encoded,
  { utf8Length }: { utf8Length(text: string): number },
  display: (value: unknown) => string,
  { isError, textOf, innerOf }: Errors,
  calls: Calls,
  timers: Timers,
  promises: Promises,
  { placeOf, isInExecutor }: Stacks,
): Endings => {
  /** So many undone things are reported; the others are not. */
  const MOST_OPEN = 8;
  const MOST_KEY_CHARS = 200;
  const { stringify } = JSON;
  const { apply } = Reflect;
  const { slice } = String.prototype;
  const toText = String;
  let limits: Limits = { resultBytes: 0 };

  const cut = (text: string, most: number): string => stringify(apply(slice, text, [0, most]));

  const onDone = (value: unknown): void => {
    if (isOver()) return;
    const encoded = encode(value, "result");
    if (!encoded.ok)
      fail("not_serializable", `The returned value cannot be written as JSON: ${encoded.fault}.`, "");
    else if (encoded.text.length > limits.resultBytes || utf8Length(encoded.text) > limits.resultBytes)
      fail("result_too_large", `The returned value is larger than ${limits.resultBytes} bytes.`, "");
    else {
      remark(encoded.remark === undefined ? undefined : `In the returned value, ${encoded.remark}.`);
      finish(`["done",${stringify(encoded.text)}${undone(value)}]`);
    }
  };

  /** Open calls and timers, and errors that were handled late. Empty when there are none. */
  const undone = (value: unknown): string => {
    let open = "";
    let count = 0;
    const add = (n: number, kind: string, trace: object): void => {
      count += 1;
      if (count > MOST_OPEN) return;
      open += `${open === "" ? "" : ","}[${n},"${kind}",${stringify(placeOf(trace))}]`;
    };
    const traces = calls.open();
    for (const n in traces) add(+n, "call", traces[n] as object);
    const armed = timers.armed();
    // Reading a trace takes time, and there may be a thousand.
    for (let i = 0; i < armed.length && count < MOST_OPEN; i++) {
      const { n, id, kind, trace } = armed[i] as (typeof armed)[number];
      const isOfPromise = kind === "sleep" || isInExecutor(trace);
      add(n, id === value ? "returned" : isOfPromise ? "sleep" : kind, trace);
    }
    const late = lateKeys();
    return open === "" && late === "" ? "" : `,[${open}],[${late}]`;
  };
  const lateKeys = (): string => {
    const { size, reasons } = promises.late();
    let keys = "";
    for (let i = 0; i < size; i++) keys += `${i === 0 ? "" : ","}${cut(keyOf(reasons[i]), MOST_KEY_CHARS)}`;
    return keys;
  };
  /** Names a rejection as the worker does, which has it from the engine. */
  const keyOf = (reason: unknown): string => {
    try {
      if (isError(reason)) return `${(reason as { message?: unknown }).message}@${placeOf(reason)}`;
      return typeof reason === "object" || typeof reason === "function" ? "@" : `${toText(reason)}@`;
    } catch {
      return "@";
    }
  };

  const onThrow = (thrown: unknown): void => {
    if (isOver()) return;
    let message = "a thrown value that cannot be read";
    let stack = "";
    let tool = "";
    let inner = "";
    try {
      if (isError(thrown)) {
        message = textOf(thrown);
        stack = `${(thrown as { stack?: unknown }).stack}`;
        const failure = calls.failureOf(thrown);
        if (failure !== undefined) {
          const { server, tool: name, kind } = failure;
          tool = `,"tool":{"server":${stringify(server)},"tool":${stringify(name)},"kind":${stringify(kind)}}`;
        }
        inner = innerText(thrown);
      } else message = `Thrown: ${display(thrown)}`;
    } catch {
      // A getter of the thrown value threw; the part read so far is reported.
    }
    fail("guest_error", message, stack, tool + inner);
  };
  /** The errors that this one stands on, each with its place in the program. */
  const innerText = (outer: object): string => {
    const { shown, left } = innerOf(outer);
    let text = "";
    for (let i = 0; i < shown.length; i++) {
      const { label, error } = shown[i] as (typeof shown)[number];
      const failure = isError(error) ? calls.failureOf(error) : undefined;
      const of = failure === undefined ? "" : ` (${failure.server}/${failure.tool})`;
      const words = `${isError(error) ? textOf(error) : display(error)}${of}`;
      const stack = isError(error) ? `${(error as { stack?: unknown }).stack}` : "";
      text += `${i === 0 ? "" : ","}[${cut(label, 100)},${cut(words, 500)},${cut(stack, 2_000)}]`;
    }
    return text === "" ? "" : `,"inner":[${text}],"left":${left}`;
  };
  const fail = (code: string, message: string, stack: string, rest = ""): void => {
    finish(
      `["fail",{"code":"${code}","message":${cut(message, 4_096)},"stack":${cut(stack, 4_096)}${rest}}]`,
    );
  };

  return {
    begin(given) {
      limits = given;
    },
    async main(run) {
      let value: unknown;
      try {
        value = await run();
      } catch (thrown) {
        onThrow(thrown);
        return;
      }
      onDone(value);
    },
  };
};

export {};
