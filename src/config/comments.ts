/** `"//": "…"` and `"_comment": "…"` are the customary comments where JSON has none. */
export function isComment(key: string): boolean {
  return /^(?:\/\/|_comment|\$comment)/.test(key);
}
