import type { RequestMark } from "../../journal.ts";

/** What a request that comes again is found by, among those of its principal: the client's own key, else its words. */
export function requestKey({ key, bodyHash }: RequestMark): string {
  return key === null ? `body:${bodyHash}` : `key:${key}`;
}
