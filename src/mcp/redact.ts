/**
 * What may leave the process about a server: never a configured header or environment value, and in messages that a
 * model reads, no path of this machine either.
 */
import type { ServerSpec } from "./hub.ts";

export type Redact = (text: string) => string;

/** Replaces every secret of this server's configuration. Values under 4 characters are not told apart from text. */
export function createRedact(spec: ServerSpec): Redact {
  const secrets = [...new Set(secretsOf(spec))]
    .filter((secret) => secret.length >= 4)
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
}

/** The same for every string in a JSON value. */
export function redactJson(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactJson(item, redact));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, redactJson(item, redact)]));
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
