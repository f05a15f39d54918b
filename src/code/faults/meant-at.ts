/** The tools meant at a fault, read from the chain of names around it or from the call that it ends in. */
import { meantByCall, type NamedTool } from "../../tools/meant-tools.ts";
import type { ToolSignatures } from "../check/tool-signatures.ts";
import { childrenOf, type Expression, fieldOf, type SyntaxNode, withoutAssertions } from "../syntax/parse.ts";
import { propertyName, referenceOf } from "../syntax/references.ts";
import type { FaultSite } from "./fault-site.ts";

/** Most texts read from a call, and the depth to which its arguments are searched. */
const MAX_TEXTS = 6;
const MAX_DEPTH = 3;

/** The usable tools: those with a signature. */
export function offeredTools({ servers, functions }: ToolSignatures): readonly NamedTool[] {
  return [
    ...[...servers].flatMap(([global, methods]) =>
      methods.map((method) => ({ server: global, global, name: method, method })),
    ),
    ...functions.map((global) => ({ server: "local", global, name: global, method: null })),
  ];
}

/** Globals with usable tools; the other servers exist only to refuse. */
export function offeredServers({ servers }: ToolSignatures): readonly string[] {
  return [...servers].flatMap(([global, methods]) => (methods.length > 0 ? [global] : []));
}

/** Empty when no tool is certainly meant. */
export function meantAt({ path }: FaultSite, signatures: ToolSignatures): readonly NamedTool[] {
  const chain = chainAround(path);
  return chain === undefined ? [] : meantByCall(chain, offeredTools(signatures));
}

/** The text arguments in the call of the name at the fault. */
export function textsAt({ path }: FaultSite): readonly string[] {
  return chainAround(path)?.texts ?? [];
}

interface ChainOfCall {
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

function chainAround(path: readonly SyntaxNode[]): ChainOfCall | undefined {
  const [first, parent] = path;
  if (first === undefined) return undefined;
  const start = isMember(parent) && fieldOf(parent, "property") === first ? 1 : 0;
  const names = namesOf(path[start] as Expression);
  if (names === undefined) return undefined;
  let node = path[start];
  for (const above of path.slice(start + 1)) {
    if (isMember(above) && fieldOf(above, "object") === node) {
      const name = propertyName(
        fieldOf(above, "property") as Expression,
        fieldOf(above, "computed") === true,
      );
      if (name === undefined) break;
      names.push(name);
    } else if (isCall(above) && fieldOf(above, "callee") === node) return { names, texts: textsOf(above) };
    else if (withoutAssertions(above as Expression) !== withoutAssertions(node as Expression)) break;
    node = above;
  }
  return { names, texts: [] };
}

function namesOf(node: Expression): string[] | undefined {
  const reference = referenceOf(node);
  return reference && [reference.root, ...reference.path];
}

function textsOf(call: SyntaxNode): readonly string[] {
  const texts: string[] = [];
  let level: readonly SyntaxNode[] = fieldOf(call, "arguments") as readonly SyntaxNode[];
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    for (const node of level) if (node.type === "StringLiteral") texts.push(node.value);
    level = level.flatMap((node) => [...childrenOf(node)].map((child) => child.node));
  }
  return texts.slice(0, MAX_TEXTS);
}

function isMember(node: SyntaxNode | undefined): node is SyntaxNode {
  return node !== undefined && (node.type as string).endsWith("MemberExpression");
}

function isCall(node: SyntaxNode): boolean {
  return /^(?:Optional)?CallExpression$/.test(node.type);
}
