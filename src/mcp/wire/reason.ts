/** Turns messages of servers and libraries into the clause of a sentence that a person reads. */
import { isRecord } from "../../json.ts";

/** One line without a stack. A list of validation issues is replaced by the issues' messages. */
export function toSentence(words: string): string {
  const start = words.search(/[[{]/);
  const told = start === -1 ? undefined : describeIssues(words.slice(start));
  const text = told === undefined ? words : `${words.slice(0, start)}${told}`;
  const line = (text.trim().split("\n", 1)[0] ?? "")
    .replaceAll("[object Object]", "an object")
    .replace(/\.$/, "");
  if (/^[[{\s]*$/.test(line)) return "no reason that can be read";
  return line.length > MAX_CHARS ? `${line.slice(0, MAX_CHARS).toWellFormed()}…` : line;
}

const MAX_CHARS = 300;
const MAX_ISSUES = 3;

/** `path: message` of each issue; undefined unless the text is a list of issues as validators print it. */
function describeIssues(text: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.trim());
  } catch {
    return undefined;
  }
  const issues = Array.isArray(parsed) ? parsed : isRecord(parsed) ? [parsed] : [];
  const told = issues.map(describeIssue).filter((issue) => issue !== undefined);
  if (told.length === 0 || told.length < issues.length) return undefined;
  const more = told.length > MAX_ISSUES ? ` and ${told.length - MAX_ISSUES} more` : "";
  return `${told.slice(0, MAX_ISSUES).join("; ")}${more}`;
}

function describeIssue(issue: unknown): string | undefined {
  if (!isRecord(issue) || typeof issue["message"] !== "string") return undefined;
  const { path, message } = issue;
  const where = Array.isArray(path) ? path.join(".") : "";
  return where === "" ? message : `${where}: ${message}`;
}
