import type { Fields } from "../model.ts";

/** Characters of a keyword's value that are repeated in a description. */
const TOLD_CHARS = 600;
const MAX_CHANGES = 50;

export interface Changes {
  readonly list: readonly string[];
  add(path: string, what: string): void;
  /** The schema, with these removed keywords described in its description. */
  tell(schema: Fields, keywords: Fields, path: string): Fields;
}

export function createChanges(): Changes {
  const list: string[] = [];
  const add = (path: string, what: string): void => {
    const change = `${path === "" ? "/" : path}: ${what}`;
    if (list.length < MAX_CHANGES && !list.includes(change)) list.push(change);
  };
  return {
    list,
    add,
    tell(schema, keywords, path) {
      const names = Object.keys(keywords);
      if (names.length === 0) return schema;
      add(path, `${names.join(", ")} told in the description`);
      const text = JSON.stringify(keywords);
      const shown = text.length <= TOLD_CHARS ? text : `${text.slice(0, TOLD_CHARS).toWellFormed()}…`;
      const own = schema["description"];
      const description =
        typeof own === "string" && own !== "" ? `${own} (also: ${shown})` : `Also: ${shown}`;
      return { ...schema, description };
    },
  };
}

/** A step deeper, as a JSON pointer. */
export function below(path: string, ...steps: readonly (string | number)[]): string {
  return steps.reduce<string>(
    (so, step) => `${so}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`,
    path,
  );
}

export type AdaptNode = (schema: unknown, path: string) => Fields;
