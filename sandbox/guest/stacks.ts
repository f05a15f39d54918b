/**
 * Stack traces for the program's author: frames of the program, and of builtins that it called, at the author's
 * positions. Frames of these scripts are left out: they differ between versions and mean nothing outside.
 *
 * The engine asks for a trace's text when it is first read, so an error whose stack nobody reads costs nothing.
 */
interface Stacks {
  /** `origins`: JSON text, as in `EngineProgram`. Undefined: positions stay those of the program's script. */
  begin(origins: string | undefined): void;
  /**
   * The place where an error was made, `line:column`; empty without a frame of the program. May run the program's code.
   */
  placeOf(error: object): string;
  /** The number of the program's frames in a trace, those that wait for it included. */
  depthOf(error: object): number;
  /** Whether the engine's `new Promise` called the program's own frame. */
  isInExecutor(error: object): boolean;
  /** Gives an error made without a frame of the program the frames of another. */
  lend(error: object, trace: object): void;
  /**
   * Calls `hear` for errors whose promises were unhandled at the end of an entry: the engine reads their stacks then,
   * to tell the worker, and gives no other sign. Errors whose stack was read earlier are missed.
   */
  onRejected(hear: (error: object) => void): void;
}
interface Site {
  getFileName(): unknown;
  getLineNumber(): number | null;
  getColumnNumber(): number | null;
  toString(): string;
}

(): Stacks => {
  const PROGRAM = "program.js";
  const { apply, defineProperty, getPrototypeOf } = Reflect;
  const { parse } = JSON;
  const { includes, indexOf, lastIndexOf, slice, endsWith } = String.prototype;
  const errorToString = Error.prototype.toString;
  const GuestError = Error;
  const { get, set } = WeakMap.prototype;
  const lent = new WeakMap<object, string>();
  let hearRejected: (error: object) => void = () => undefined;
  let origins: string | undefined;
  let stretches: readonly number[] | undefined;

  const take = (): Site => {
    let first: Site | undefined;
    defineProperty(GuestError, "prepareStackTrace", {
      configurable: true,
      value: (_: unknown, sites: readonly Site[]) => {
        first = sites[0];
      },
    });
    void new GuestError().stack;
    if (first === undefined) throw new GuestError("the engine gives no frames");
    return first;
  };
  const prototype = getPrototypeOf(take()) as Site;
  const { getFileName, getLineNumber, getColumnNumber, toString } = prototype;

  /** The author's `line:column`; undefined where nothing is the author's. */
  const originOf = (line: number, column: number): string | undefined => {
    if (origins === undefined) return `${line}:${column}`;
    stretches ??= parse(origins) as readonly number[];
    let low = 0;
    let high = stretches.length / 4;
    while (low < high) {
      const middle = (low + high) >> 1;
      const atLine = stretches[4 * middle] as number;
      if (atLine < line || (atLine === line && (stretches[4 * middle + 1] as number) <= column))
        low = middle + 1;
      else high = middle;
    }
    const at = 4 * (low - 1);
    if (low === 0 || stretches[at] !== line) return undefined;
    const toColumn = stretches[at + 3] as number;
    const found = toColumn < 0 ? -toColumn : toColumn + column - (stretches[at + 1] as number);
    return `${stretches[at + 2]}:${found}`;
  };

  const frameOf = (site: Site): string => {
    const line: number | null = apply(getLineNumber, site, []);
    const column: number | null = apply(getColumnNumber, site, []);
    if (line === null || column === null) return "";
    const place = originOf(line, column);
    if (place === undefined) return "";
    const text: string = apply(toString, site, []);
    const head: string = apply(slice, text, [0, apply(lastIndexOf, text, [PROGRAM])]);
    return `\n    at ${head}${PROGRAM}:${place}${apply(endsWith, text, [")"]) ? ")" : ""}`;
  };

  const headOf = (error: unknown): string => {
    try {
      return apply(errorToString, error, []);
    } catch {
      return "Error";
    }
  };

  /**
   * The engine writes stacks inside `format` by itself. With no frame below, neither the program nor a part of ours is
   * reading.
   */
  const isReadByEngine = (): boolean => {
    const { stack } = new GuestError() as { stack?: unknown };
    if (typeof stack !== "string") return false;
    const first: number = apply(indexOf, stack, ["\n    at "]);
    const second: number = apply(indexOf, stack, ["\n    at ", first + 1]);
    return first >= 0 && apply(indexOf, stack, ["\n    at ", second + 1]) < 0;
  };

  const format = (error: object, sites: readonly Site[]): string => {
    if (isReadByEngine()) hearRejected(error);
    const frames: string | undefined = apply(get, lent, [error]);
    if (frames !== undefined) return headOf(error) + frames;
    let text = headOf(error);
    // A builtin belongs to its caller, the next frame.
    let builtins = "";
    for (let i = 0; i < sites.length; i++) {
      const site = sites[i] as Site;
      const file: unknown = apply(getFileName, site, []);
      if (file === undefined || file === null) builtins += `\n    at ${apply(toString, site, [])}`;
      else {
        if (file === PROGRAM) text += builtins + frameOf(site);
        builtins = "";
      }
    }
    return text;
  };
  // The program's own `prepareStackTrace` would be called for traces that the prelude takes.
  defineProperty(GuestError, "prepareStackTrace", {
    value: Object.freeze(format),
    writable: false,
    configurable: false,
  });

  const framesOf = (error: object): string => {
    const { stack } = error as { stack?: unknown };
    if (typeof stack !== "string") return "";
    const start: number = apply(indexOf, stack, ["\n    at "]);
    return start < 0 ? "" : apply(slice, stack, [start]);
  };

  return {
    lend(error, trace) {
      // Done now: while one stack is being written, the engine does not ask for another.
      apply(set, lent, [error, framesOf(trace)]);
    },
    onRejected(hear) {
      hearRejected = hear;
    },
    begin(given) {
      origins = given;
      stretches = undefined;
    },
    placeOf(error) {
      const frames = framesOf(error);
      const found: number = apply(indexOf, frames, [`${PROGRAM}:`]);
      if (found < 0) return "";
      const start = found + PROGRAM.length + 1;
      const lineEnd: number = apply(indexOf, frames, ["\n", start]);
      const rest: string = apply(slice, frames, lineEnd < 0 ? [start] : [start, lineEnd]);
      return apply(endsWith, rest, [")"]) ? apply(slice, rest, [0, -1]) : rest;
    },
    depthOf(error) {
      const frames = framesOf(error);
      let depth = 0;
      for (let at = 0; ; depth++) {
        at = apply(indexOf, frames, [`${PROGRAM}:`, at]);
        if (at < 0) return depth;
        at += 1;
      }
    },
    isInExecutor(error) {
      const frames = framesOf(error);
      const second: number = apply(indexOf, frames, ["\n", 1]);
      if (second < 0) return false;
      const third: number = apply(indexOf, frames, ["\n", second + 1]);
      const frame: string = apply(slice, frames, third < 0 ? [second] : [second, third]);
      return apply(includes, frame, ["at new Promise ("]);
    },
  };
};

export {};
