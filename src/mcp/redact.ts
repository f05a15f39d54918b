/**
 * Removes what must not leave the process about a server: configured header and environment values, and, in messages
 * that a model reads, paths of this machine.
 */
import { type Redact, createRedact as redactSecrets } from "../foreign-text.ts";
import { addressSecrets, environmentSecrets, headerSecrets } from "../secrets.ts";
import type { ServerSpec } from "./server.ts";

/** Values under 4 characters cannot be told from ordinary text, so they stay. */
export function createRedact(spec: ServerSpec): Redact {
  return redactSecrets(serverSecrets(spec), { minChars: 4 });
}

/** Shortens absolute paths to their last segment; URLs stay as they are. */
export function withoutPaths(text: string): string {
  return text
    .replace(/file:\/\/\/?/g, "/")
    .replace(/(?<![\w:/.~-])(?:~|[A-Za-z]:)?(?:[/\\][^\s/\\:'"`()[\]<>,]+)+[/\\](?=[^\s/\\])/g, "…/");
}

/** Every secret that a server is given: its environment, its headers, the login and the query of its address. */
export function serverSecrets(spec: ServerSpec): readonly string[] {
  switch (spec.type) {
    case "stdio":
      return Object.values(spec.env).flatMap(environmentSecrets);
    case "http":
    case "sse":
      return [...Object.values(spec.headers).flatMap(headerSecrets), ...addressSecrets(spec.url)];
    case "in-process":
    case "local":
      return [];
  }
}
