/** The console of a program: the usual methods, printing plain text that a model can read. */
interface Console {
  begin(): void;
  readonly globals: Record<string, unknown>;
}
interface Posts {
  print(level: string, text: string): void;
  isOver(): boolean;
}
interface Errors {
  isError(value: unknown): value is object;
}
interface Stacks {
  placeOf(error: object): string;
}
/** A table in lines of text. Throws what reading its data throws. */
type Table = (data: object, columns: unknown, show: (value: unknown) => string) => string;
interface Clock {
  /** Milliseconds of the run's clock, with fractions. */
  now(): number;
}

(
  { print, isOver }: Posts,
  display: (value: unknown) => string,
  { isError }: Errors,
  { placeOf }: Stacks,
  { now }: Clock,
  tableOf: Table,
): Console => {
  const MOST_INDENT = 40;
  const { apply, defineProperty, ownKeys } = Reflect;
  const { create, freeze } = Object;
  const { trunc } = Math;
  const { slice, charCodeAt, indexOf } = String.prototype;
  const { toFixed } = Number.prototype;
  const parseNumber = parseFloat;
  const toNumber = Number;
  const toText = String;
  const GuestError = Error;
  let indent = "";
  let times: Record<string, number> = create(null);
  let counts: Record<string, number> = create(null);

  /** Shows an error with its place first, because its reader looks for that. */
  const show = (value: unknown): string => {
    const text = display(value);
    try {
      const place = isError(value) ? placeOf(value) : "";
      return place === "" ? text : `${text} at ${place}`;
    } catch {
      return text;
    }
  };
  const joined = (args: readonly unknown[], from: number): string => {
    let text = "";
    for (let i = from; i < args.length; i++) text += `${i === from ? "" : " "}${show(args[i])}`;
    return text;
  };
  const numberOf = (value: unknown): number => (typeof value === "symbol" ? toNumber.NaN : toNumber(value));
  const formatted = (word: string, value: unknown): string | undefined => {
    switch (word) {
      case "s":
        return typeof value === "string" ? value : show(value);
      case "d":
        return typeof value === "bigint" ? `${value}n` : `${numberOf(value)}`;
      case "i":
        return typeof value === "bigint" ? `${value}n` : `${trunc(parseNumber(show(value)))}`;
      case "f":
        return `${parseNumber(show(value))}`;
      case "j":
      case "o":
      case "O":
        return show(value);
      case "c":
        return "";
      default:
        return undefined;
    }
  };
  /** Formats as `console.log` does: directives like `%s` in a first text take the arguments that follow it. */
  const format = (args: readonly unknown[]): string => {
    const first = args[0];
    if (typeof first !== "string" || apply(indexOf, first, ["%"]) < 0) return joined(args, 0);
    if (args.length === 1) return first;
    let text = "";
    let used = 1;
    let from = 0;
    for (let at = 0; at < first.length - 1; at++) {
      if (apply(charCodeAt, first, [at]) !== 37) continue;
      const word = first[at + 1] as string;
      const isPercent = word === "%";
      if (!isPercent && used >= args.length) continue;
      const value = isPercent ? "%" : formatted(word, args[used]);
      if (value === undefined) continue;
      if (!isPercent) used += 1;
      text += apply(slice, first, [from, at]) + value;
      from = at + 2;
      at += 1;
    }
    text += apply(slice, first, [from]);
    return used < args.length ? `${text} ${joined(args, used)}` : text;
  };
  const indented = (text: string): string => {
    if (indent === "") return text;
    let out = indent;
    let from = 0;
    for (;;) {
      const end: number = apply(indexOf, text, ["\n", from]);
      if (end < 0) return out + apply(slice, text, [from]);
      out += apply(slice, text, [from, end + 1]) + indent;
      from = end + 1;
    }
  };
  const say = (level: string, text: string): void => {
    if (!isOver()) print(level, indented(text));
  };
  const labelOf = (label: unknown): string => (label === undefined ? "default" : `${toText(label)}`);
  const elapsed = (label: string): string | undefined => {
    const since = times[label];
    if (since === undefined) return undefined;
    return `${label}: ${toNumber(apply(toFixed, now() - since, [3]))} ms`;
  };
  const noTimer = (label: string): void =>
    say("warn", `There is no timer "${label}": console.time starts one.`);

  const group = (...args: unknown[]): void => {
    if (args.length > 0) say("log", format(args));
    if (indent.length < MOST_INDENT) indent += "  ";
  };
  const methods: Record<string, (...args: unknown[]) => void> = {
    log: (...args) => say("log", format(args)),
    info: (...args) => say("info", format(args)),
    warn: (...args) => say("warn", format(args)),
    error: (...args) => say("error", format(args)),
    debug: (...args) => say("debug", format(args)),
    dir: (value) => say("log", show(value)),
    dirxml: (...args) => say("log", joined(args, 0)),
    table(data, columns) {
      if (typeof data !== "object" || data === null) say("log", show(data));
      else {
        try {
          say("log", tableOf(data, columns, show));
        } catch {
          say("log", show(data));
        }
      }
    },
    group,
    groupCollapsed: group,
    groupEnd: () => {
      indent = apply(slice, indent, [2]);
    },
    time: (given) => {
      const label = labelOf(given);
      if (times[label] === undefined) times[label] = now();
      else say("warn", `The timer "${label}" runs already.`);
    },
    timeLog: (given, ...args) => {
      const label = labelOf(given);
      const text = elapsed(label);
      if (text === undefined) noTimer(label);
      else say("log", args.length === 0 ? text : `${text} ${joined(args, 0)}`);
    },
    timeEnd: (given) => {
      const label = labelOf(given);
      const text = elapsed(label);
      if (text === undefined) noTimer(label);
      else say("log", text);
      delete times[label];
    },
    assert: (condition, ...args) => {
      if (condition) return;
      say("error", args.length === 0 ? "Assertion failed" : `Assertion failed: ${format(args)}`);
    },
    count: (given) => {
      const label = labelOf(given);
      const count = (counts[label] ?? 0) + 1;
      counts[label] = count;
      say("log", `${label}: ${count}`);
    },
    countReset: (given) => {
      delete counts[labelOf(given)];
    },
    trace: (...args) => {
      const { stack } = new GuestError() as { stack?: unknown };
      const text = typeof stack === "string" ? stack : "";
      const end: number = apply(indexOf, text, ["\n"]);
      const head = args.length === 0 ? "Trace" : `Trace: ${format(args)}`;
      say("log", `${head}${end < 0 ? "" : apply(slice, text, [end])}`);
    },
    clear: () => undefined,
  };
  const consoleObject = create(null);
  for (const name of ownKeys(methods) as string[])
    defineProperty(consoleObject, name, { value: freeze(methods[name]), enumerable: true });

  return {
    globals: { console: freeze(consoleObject) },
    begin() {
      indent = "";
      times = create(null);
      counts = create(null);
    },
  };
};

export {};
