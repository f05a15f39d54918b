/** What `console.table` prints. Throws what reading its data throws. */
type Table = (data: object, columns: unknown, show: (value: unknown) => string) => string;

(): Table => {
  /** A larger table is better printed in parts. */
  const MOST_ROWS = 1_000;
  const { apply, defineProperty } = Reflect;
  const { keys } = Object;
  const { isArray } = Array;
  const { forEach: forEachOfMap } = Map.prototype;
  const { forEach: forEachOfSet } = Set.prototype;
  const isMap = (value: unknown): value is object => takes(forEachOfMap, value);
  const isSet = (value: unknown): value is object => takes(forEachOfSet, value);
  const toText = String;

  /** Rows of cells with blanks around each column; the first column is the index. */
  const tableOf: Table = (data, columns, show) => {
    const rows: { name: string; item: unknown }[] = [];
    const add = (name: string, item: unknown): void => {
      put(rows, { name, item });
    };
    const total = eachRow(data, add, show);
    const wanted: string[] = [];
    let hasValues = false;
    for (let i = 0; i < rows.length; i++) {
      const { item } = rows[i] as (typeof rows)[number];
      if (typeof item !== "object" || item === null) {
        hasValues = true;
        continue;
      }
      const names = keys(item);
      for (let k = 0; k < names.length; k++) if (!has(wanted, names[k])) put(wanted, names[k] as string);
    }
    const names = isArray(columns) ? (columns as unknown[]) : wanted;
    const lines: string[][] = [];
    const head: string[] = ["(index)"];
    for (let i = 0; i < names.length; i++) put(head, toText(names[i]));
    if (hasValues) put(head, "Values");
    put(lines, head);
    for (let i = 0; i < rows.length; i++) {
      const { name, item } = rows[i] as (typeof rows)[number];
      const isRecord = typeof item === "object" && item !== null;
      const line: string[] = [name];
      for (let k = 0; k < names.length; k++) {
        const key = toText(names[k]);
        put(line, isRecord && has(keys(item), key) ? show((item as Record<string, unknown>)[key]) : "");
      }
      if (hasValues) put(line, isRecord ? "" : show(item));
      put(lines, line);
    }
    return aligned(lines) + (total > rows.length ? `\n… ${total - rows.length} more rows` : "");
  };
  const eachRow = (
    data: object,
    visit: (name: string, item: unknown) => void,
    show: (value: unknown) => string,
  ): number => {
    let count = 0;
    const add = (name: string, item: unknown): void => {
      if (count < MOST_ROWS) visit(name, item);
      count += 1;
    };
    if (isMap(data)) apply(forEachOfMap, data, [(item: unknown, key: unknown) => add(show(key), item)]);
    else if (isSet(data)) apply(forEachOfSet, data, [(item: unknown) => add(`${count}`, item)]);
    else {
      const names = keys(data);
      for (let i = 0; i < names.length; i++)
        add(names[i] as string, (data as Record<string, unknown>)[names[i] as string]);
    }
    return count;
  };
  const aligned = (lines: readonly string[][]): string => {
    const widths: number[] = [];
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as string[];
      for (let k = 0; k < line.length; k++) {
        const size = (line[k] as string).length;
        if (widths[k] === undefined) put(widths, size);
        else if (size > (widths[k] as number)) widths[k] = size;
      }
    }
    let text = "";
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i] as string[];
      if (i > 0) text += "\n";
      for (let k = 0; k < line.length; k++) {
        const cell = line[k] as string;
        text += k === 0 ? cell : ` | ${cell}`;
        if (k < line.length - 1) for (let w = cell.length; w < (widths[k] as number); w++) text += " ";
      }
    }
    return text;
  };
  /** Appends without the program's setters and methods. */
  const put = <T>(list: T[], value: T): void => {
    defineProperty(list, list.length, {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    } as never);
  };
  const has = (list: readonly unknown[], value: unknown): boolean => {
    for (let i = 0; i < list.length; i++) if (list[i] === value) return true;
    return false;
  };
  function takes(method: unknown, value: unknown): boolean {
    try {
      apply(method as () => unknown, value, [() => undefined]);
      return true;
    } catch {
      return false;
    }
  }

  return tableOf;
};

export {};
