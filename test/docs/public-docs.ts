/** The doc comments of what the package exports, read out of its sources. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export const root: string = join(import.meta.dirname, "../..");

/** By the name that users import. */
export const entries: { readonly [specifier: string]: string } = {
  toolarium: join(root, "src/index.ts"),
  "toolarium/http": join(root, "src/http/server.ts"),
  "toolarium/sandbox": join(root, "sandbox/index.ts"),
};

export interface PublicName {
  readonly specifier: string;
  readonly name: string;
  readonly kind: "function" | "class" | "const" | "interface" | "type";
  /** The comment without its stars; empty where there is none. */
  readonly doc: string;
  /** From the declaration's first line to the end of its file. */
  readonly source: string;
}

/** Everything that a module gives on by name, or declares itself. */
export function publicNames(): readonly PublicName[] {
  return Object.entries(entries).flatMap(([specifier, entry]) => {
    const text = readFileSync(entry, "utf8");
    const passedOn = [...text.matchAll(/^export (?:type )?(\*|\{[^}]*\}) from "(\.[^"]+)";/gm)].flatMap(
      ([, list = "", from = ""]) => {
        const declared = declarationsIn(join(dirname(entry), from));
        const names =
          list === "*" ? undefined : [...list.matchAll(/(\w+)\s*(?=[,}])/g)].map(([, name]) => name);
        return declared.filter(({ name }) => names === undefined || names.includes(name));
      },
    );
    return [...declarationsIn(entry), ...passedOn].map((each) => ({ specifier, ...each }));
  });
}

function declarationsIn(file: string): readonly Omit<PublicName, "specifier">[] {
  const text = readFileSync(file, "utf8");
  const declaration =
    /(?:^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^export (?:async )?(function|class|const|interface|type) (\w+)/gm;
  return [...text.matchAll(declaration)].map((found) => ({
    doc: withoutStars(found[1] ?? ""),
    kind: found[2] as PublicName["kind"],
    name: found[3] ?? "",
    source: text.slice(found.index + found[0].length),
  }));
}

function withoutStars(comment: string): string {
  return comment.replace(/^ *\* ?/gm, "").trim();
}

/** The texts behind a tag, each up to the next tag. */
export function tagged(doc: string, tag: string): readonly string[] {
  const parts = doc.split(/^(?=@\w+)/m);
  return parts.flatMap((part) => (part.startsWith(`@${tag}`) ? [part.slice(tag.length + 1).trim()] : []));
}

/** The optional fields of an interface, with their doc comments. */
export function optionalFields({
  source,
}: PublicName): readonly { readonly name: string; readonly doc: string }[] {
  const body = source.slice(0, source.search(/^\}/m));
  const field = /(?:^ {2}\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^ {2}readonly (\w+)\?:/gm;
  return [...body.matchAll(field)].map(([, doc = "", name = ""]) => ({ name, doc: withoutStars(doc) }));
}
