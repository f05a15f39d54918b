/** `"//": "…"` and `"_comment": "…"` are how JSON is commented where it knows no comments. */
export function isComment(key: string): boolean {
  return /^(?:\/\/|_comment|\$comment)/.test(key);
}
