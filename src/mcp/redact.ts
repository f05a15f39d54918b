/**
 * What must not leave the process about a server: a configured header or environment value, and in messages that a
 * model reads, a path of this machine.
 */
import { type Redact, createRedact as redactSecrets } from "../foreign-text.ts";
import type { ServerSpec } from "./server.ts";

/** Values under 4 characters are not told apart from text. */
export function createRedact(spec: ServerSpec): Redact {
  return redactSecrets(secretsOf(spec), { minChars: 4 });
}

/** Shortens absolute paths to their last segment; URLs stay as they are. */
export function withoutPaths(text: string): string {
  return text
    .replace(/file:\/\/\/?/g, "/")
    .replace(/(?<![\w:/.~-])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:'"`()[\]<>,]+)+[/\\](?=[^\s/\\])/g, "…/");
}

function secretsOf(spec: ServerSpec): readonly string[] {
  switch (spec.type) {
    case "stdio":
      return Object.values(spec.env).flatMap((value) => [
        value,
        // A key in PEM form is printed line by line.
        ...value.split("\n").filter((line) => line.length >= 16),
      ]);
    case "http":
    case "sse":
      return [...Object.values(spec.headers).flatMap(headerSecrets), ...urlSecrets(spec.url)];
    case "in-process":
    case "local":
      return [];
  }
}

/** `Bearer abc` hides `abc` too, and `Basic …` what it encodes. */
function headerSecrets(value: string): readonly string[] {
  const [scheme = "", ...rest] = value.split(" ");
  const credential = rest.join(" ");
  if (credential === "") return [value];
  if (scheme.toLowerCase() !== "basic") return [value, credential];
  const decoded = Buffer.from(credential, "base64").toString();
  return [value, credential, decoded, decoded.slice(decoded.indexOf(":") + 1)];
}

function urlSecrets(url: string): readonly string[] {
  if (!URL.canParse(url)) return [];
  const { username, password, searchParams } = new URL(url);
  return [username, password, ...searchParams.values()].flatMap((value) => [
    value,
    encodeURIComponent(value),
  ]);
}
