/** Removes what surrounds a program without being part of it: a label, backticks, invisible characters. */
import { scanText } from "../syntax/lexical.ts";
import { isFunction, nodesOf, type Program, parseProgram, type SyntaxNode } from "../syntax/parse.ts";
import { blank, type Decoded, decode, type SourceText } from "../syntax/source-text.ts";

/** Control and format characters are invisible; blanks are kept. */
const INVISIBLE = /(?!\s)[\p{Cc}\p{Cf}]/u;

/** Without the invisible characters outside strings; undefined when there are none. */
export function withoutInvisibles(source: SourceText): SourceText | undefined {
  const { text } = source;
  if (!INVISIBLE.test(text)) return undefined;
  const stray = scanText(text).strayCharacters.filter((at) => INVISIBLE.test(text.charAt(at)));
  if (stray.length === 0) return undefined;
  const removed = stray.map((at): Decoded => {
    const isInWord = /\w/.test(text.charAt(at - 1)) && /\w/.test(text.charAt(at + 1));
    return { start: at, end: at + 1, text: isInWord ? "" : " " };
  });
  return decode(source, 0, text.length, removed);
}

const LABEL =
  /^[*#_>\s]*(?:the )?(?:typescript|javascript|ts|js|tsx|jsx|mjs|node|code|program|script|run_code)(?: code| program| script)?\s*[:\uff1a]?[*_]*[ \t]*(?:\r?\n|$)/i;

/** Without a first line that only names what follows, like `typescript` or `Code:`; undefined without such a line. */
export function withoutLabel(source: SourceText): SourceText | undefined {
  const label = LABEL.exec(source.text)?.[0];
  if (label === undefined || source.text.slice(label.length).trim() === "") return undefined;
  return blank(source, 0, label.length);
}

/** Whether a program's first line is a label that also parses as a statement. */
export function startsWithLabel({ text }: SourceText, { body }: Program): boolean {
  const label = LABEL.exec(text)?.[0];
  const [first] = body;
  if (label === undefined || first === undefined) return false;
  if (first.type === "ExpressionStatement")
    return first.expression.type === "Identifier" && (first.end ?? 0) <= label.length;
  if (first.type !== "LabeledStatement" || (first.body.start ?? 0) < label.length) return false;
  return !new RegExp(`\\b(?:break|continue)\\s+${first.label.name}\\b`).test(text);
}

/** Without backticks around the whole text; undefined when there are none. */
export function withoutTicks(source: SourceText): SourceText | undefined {
  const { text } = source;
  const start = text.length - text.trimStart().length;
  const end = text.trimEnd().length;
  const ticks = text[start + 1] === "`" ? 2 : 1;
  const isInside = end - start > 2 * ticks && text[start + ticks] !== "`" && text[end - ticks - 1] !== "`";
  const marker = "`".repeat(ticks);
  if (!isInside || !text.startsWith(marker, start) || !text.endsWith(marker, end)) return undefined;
  return blank(blank(source, start, start + ticks), end - ticks, end);
}

/** Whether a text that is one template contains a program: `` `return await github.list_repos({})` ``. */
export function isQuotedProgram({ text }: SourceText, { body }: Program, within: SourceText): boolean {
  const [only] = body;
  if (body.length !== 1 || only?.type !== "ExpressionStatement") return false;
  if (only.expression.type !== "TemplateLiteral" || only.expression.expressions.length > 0) return false;
  if (text.trim().length !== (only.expression.end ?? 0) - (only.expression.start ?? 0)) return false;
  const inside = parseProgram(within.text);
  return inside.ok && doesSomething(inside.node);
}

/** Words parse as names; only a text that does something is a program. */
export function doesSomething(root: SyntaxNode): boolean {
  for (const node of nodesOf(root)) {
    switch (node.type) {
      case "ReturnStatement":
      case "VariableDeclaration":
      case "AwaitExpression":
      case "FunctionDeclaration":
        return true;
      case "CallExpression":
        if (node.callee.type === "MemberExpression") return true;
        break;
      case "ArrowFunctionExpression":
        return isFunction(node);
      default:
    }
  }
  return false;
}
