/**
 * The parts of an error: its name, its message, its other fields, and the errors it stands on. Reading an error may run
 * the program's code and may throw whatever that code throws.
 */
interface Errors {
  isError(value: unknown): value is object;
  /** `Name: message`. An error without a name of its own takes its class's name. */
  textOf(error: object): string;
  /** Name and message as the first members of a JSON object. Never throws. */
  headOf(error: object): string;
  /** Names of its own properties except name, message and stack: `cause` and `errors` are not enumerable. */
  fieldsOf(error: object): readonly string[];
  /** An object without own properties that has a name and a message from getters of its class. */
  isLikeError(item: object): boolean;
  /** The errors that caused it and that it holds, outermost first, up to a limit. */
  innerOf(error: object): { readonly shown: readonly InnerError[]; readonly left: number };
}
interface InnerError {
  /** Where it was found: `errors[0].cause`. */
  readonly label: string;
  readonly error: unknown;
}
interface Kinds {
  kindOf(item: object): string;
  classOf(item: object): string;
}

({ kindOf, classOf }: Kinds): Errors => {
  const MAX_INNER = 8;
  const { apply, defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;
  const { create } = Object;
  const { isArray } = Array;
  const { stringify } = JSON;
  const { includes, indexOf, slice } = String.prototype;
  const toText = String;
  const GuestPromise = Promise;
  const GuestError = Error;
  const { any } = Promise;

  /** Names of the language's own classes: a class that sets no name inherits one of them. */
  const common: Record<string, true> = create(null);
  for (const { prototype } of [
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    SuppressedError,
  ])
    common[prototype.name] = true;

  const isError = (value: unknown): value is object =>
    typeof value === "object" && value !== null && kindOf(value) === "error";
  const nameOf = (error: object): string => {
    const { name } = error as { name?: unknown };
    if (name === undefined || name === null) return "Error";
    const text = toText(name);
    if (common[text] !== true || getOwnPropertyDescriptor(error, "name") !== undefined) return text;
    const className = classOf(error);
    return className === "" ? text : className;
  };
  const messageOf = (error: object): string => {
    const { message } = error as { message?: unknown };
    return message === undefined || message === null ? "" : toText(message);
  };

  const readable = (read: (error: object) => string, error: object): string => {
    try {
      return read(error);
    } catch {
      return "[unreadable]";
    }
  };

  const fieldsOf = (error: object): readonly string[] => {
    const names: string[] = [];
    const all = ownKeys(error);
    for (let i = 0; i < all.length; i++) {
      const name = all[i];
      if (typeof name !== "string" || name === "name" || name === "message" || name === "stack") continue;
      defineProperty(names, names.length, { __proto__: null, value: name, enumerable: true } as never);
    }
    return names;
  };

  const innerOf: Errors["innerOf"] = (outer) => {
    const found: Record<number, InnerError> = create(null);
    let count = 0;
    let left = 0;
    const add = (label: string, error: unknown): void => {
      if (error === outer) return;
      for (let i = 0; i < count; i++)
        if (typeof error === "object" && (found[i] as InnerError).error === error) return;
      if (count < MAX_INNER) found[count++] = { label, error };
      else left += 1;
    };
    const addThoseOf = (error: object, before: string): void => {
      if (kindOf(error) !== "error") return;
      const { cause, errors } = error as { cause?: unknown; errors?: unknown };
      if (cause !== undefined) add(`${before}cause`, cause);
      const held: number = isArray(errors) ? errors.length : 0;
      for (let i = 0; i < held && left < MAX_INNER; i++)
        add(`${before}errors[${i}]`, (errors as unknown[])[i]);
      // A SuppressedError holds the first failure and the failure of its clean-up.
      const { error: last, suppressed } = error as { error?: unknown; suppressed?: unknown };
      if (suppressed === undefined) return;
      add(`${before}error`, last);
      add(`${before}suppressed`, suppressed);
    };
    addThoseOf(outer, "");
    for (let i = 0; i < count; i++) {
      const { label, error } = found[i] as InnerError;
      if (typeof error === "object" && error !== null) addThoseOf(error, `${label}.`);
    }
    const shown: InnerError[] = [];
    for (let i = 0; i < count; i++)
      defineProperty(shown, i, { __proto__: null, value: found[i], enumerable: true } as never);
    return { shown, left };
  };

  /**
   * The engine makes the error of Promise.any with no frame of the program on the stack. It gets the frames of the
   * call, because its author knows the place where the program waits.
   */
  const traced = async (all: Promise<unknown>, trace: { stack?: string }): Promise<unknown> => {
    try {
      return await all;
    } catch (error) {
      addFrames(error, trace);
      throw error;
    }
  };
  const addFrames = (error: unknown, trace: { stack?: string }): void => {
    try {
      const own = isError(error) ? (error as { stack?: unknown }).stack : undefined;
      if (typeof own !== "string" || apply(includes, own, ["\n"])) return;
      const value = `${own}${framesOf(trace)}`;
      defineProperty(error as object, "stack", {
        __proto__: null,
        value,
        writable: true,
        configurable: true,
      } as never);
    } catch {
      // An iterator of the program may have thrown any value: it stays as it is.
    }
  };
  const framesOf = ({ stack }: { stack?: string }): string => {
    const text = typeof stack === "string" ? stack : "";
    const end: number = apply(indexOf, text, ["\n"]);
    return end < 0 ? "" : apply(slice, text, [end]);
  };
  const methods = {
    any(this: unknown, values: unknown): unknown {
      const all: unknown = apply(any as never, this, [values]);
      return this === GuestPromise ? traced(all as Promise<unknown>, new GuestError()) : all;
    },
  };
  defineProperty(GuestPromise, "any", { value: methods.any, writable: true, configurable: true });

  return {
    isError,
    fieldsOf,
    innerOf,
    textOf: (error) => `${nameOf(error)}: ${messageOf(error)}`,
    headOf: (error) =>
      `"name":${stringify(readable(nameOf, error))},"message":${stringify(readable(messageOf, error))}`,
    isLikeError(item) {
      const { name, message } = item as { name?: unknown; message?: unknown };
      return typeof name === "string" && typeof message === "string";
    },
  };
};

export {};
