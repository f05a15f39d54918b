/** The role of an identifier at its place: it declares a name, reads it, assigns it, or is not a name at all. */
import type { SyntaxNode } from "../syntax/parse.ts";
import type { BindingKind, Parents, Place } from "./tree.ts";

export interface Declares {
  readonly type: "declares";
  readonly kind: BindingKind;
  /** The declarator, function, class or clause that declares it. */
  readonly declaration: SyntaxNode;
}

export type NameRole =
  | Declares
  /** `updates`: it is read and then assigned. */
  | { readonly type: "reads" | "writes" | "updates" | "none" };

const NONE: NameRole = { type: "none" };
const READS: NameRole = { type: "reads" };
const WRITES: NameRole = { type: "writes" };
const UPDATES: NameRole = { type: "updates" };

export function roleOf({ key, parents }: Place): NameRole {
  const parent = parents?.node;
  if (parents === null || parent === undefined) return READS;
  const type: string = parent.type;
  if (type.startsWith("TS")) return roleInType(type, key, parents);
  switch (parent.type) {
    case "MemberExpression":
    case "OptionalMemberExpression":
      return key === "object" || parent.computed ? READS : NONE;
    case "ObjectMethod":
    case "ClassMethod":
      return key === "params" ? declares("parameter", parent) : parent.computed ? READS : NONE;
    case "ClassPrivateMethod":
      return key === "params" ? declares("parameter", parent) : NONE;
    case "ClassProperty":
      return key === "value" || parent.computed ? READS : NONE;
    case "ObjectProperty":
      if (key === "key") return parent.computed ? READS : NONE;
      return roleInPattern(key, parents);
    case "FunctionDeclaration":
      return key === "id" ? declares("function", parent) : roleInPattern(key, parents);
    case "FunctionExpression":
      return key === "id" ? declares("other", parent) : roleInPattern(key, parents);
    case "ClassDeclaration":
      return key === "id" ? declares("class", parent) : READS;
    case "ClassExpression":
      return key === "id" ? declares("other", parent) : READS;
    case "ImportSpecifier":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
      // An import that does not refuse the program is dropped: it names the program's global.
      return NONE;
    case "ExportSpecifier":
      return key === "local" ? READS : NONE;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "MetaProperty":
      return NONE;
    case "UpdateExpression":
      return UPDATES;
    default:
      return roleInPattern(key, parents);
  }
}

function declares(kind: BindingKind, declaration: SyntaxNode): NameRole {
  return { type: "declares", kind, declaration };
}

function roleInType(type: string, key: string, parents: Parents): NameRole {
  switch (type) {
    case "TSEnumDeclaration":
      return declares("other", parents.node);
    case "TSParameterProperty":
      return roleInPattern(key, parents);
    case "TSAsExpression":
    case "TSSatisfiesExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "TSInstantiationExpression":
    case "TSExportAssignment":
      return key === "expression" ? READS : NONE;
    case "TSEnumMember":
      return key === "initializer" ? READS : NONE;
    default:
      return NONE;
  }
}

/** From a name, or the pattern around it, up to the node that gives it its value. */
function roleInPattern(from: string, parents: Parents): NameRole {
  let key = from;
  for (let at: Parents | null = parents; at !== null; at = at.outer) {
    const { node } = at;
    switch (node.type) {
      case "ArrayPattern":
      case "ObjectPattern":
      case "RestElement":
        break;
      case "AssignmentPattern":
        if (key !== "left") return READS;
        break;
      case "ObjectProperty":
        if (at.outer?.node.type !== "ObjectPattern") return READS;
        break;
      case "VariableDeclarator":
        return key === "id" ? declares(kindOf(at.outer?.node), node) : READS;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
      case "ObjectMethod":
      case "ClassMethod":
      case "ClassPrivateMethod":
        return key === "params" ? declares("parameter", node) : READS;
      case "CatchClause":
        return key === "param" ? declares("other", node) : READS;
      case "AssignmentExpression":
        if (key !== "left") return READS;
        return node.operator === "=" ? WRITES : UPDATES;
      case "ForInStatement":
      case "ForOfStatement":
        return key === "left" ? WRITES : READS;
      default:
        // A parameter that is also a property.
        if ((node.type as string) !== "TSParameterProperty") return READS;
    }
    key = at.key;
  }
  return READS;
}

function kindOf(declaration: SyntaxNode | undefined): BindingKind {
  if (declaration?.type !== "VariableDeclaration") return "other";
  return declaration.kind === "var" || declaration.kind === "let" || declaration.kind === "const"
    ? declaration.kind
    : "const";
}
