/** A JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `"//": "…"` and `"_comment": "…"` are how JSON is commented where it knows no comments. */
export function isComment(key: string): boolean {
  return /^(?:\/\/|_comment|\$comment)/.test(key);
}
