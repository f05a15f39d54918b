import type { RequestMark } from "../../journal.ts";

/**
 * The key that finds a repeated request among those of its principal: the client's own key, else the hash of its body.
 */
export function requestKey({ key, bodyHash }: RequestMark): string {
  return key === null ? `body:${bodyHash}` : `key:${key}`;
}
