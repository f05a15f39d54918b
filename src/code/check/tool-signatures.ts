/**
 * The tools as hints name them. They are parsed from the declarations that the program is checked against, so a hint
 * shows exactly what the checker saw.
 */
import { type ParserOptions, parse } from "@babel/parser";
import { writeMember } from "../../tools/meant-tools.ts";
import { callingNames, environmentNames } from "../syntax/environment-names.ts";
import type { Expression } from "../syntax/parse.ts";
import { childrenOf, endOf, fieldOf, isNode, type SyntaxNode, startOf } from "../syntax/parse.ts";
import { propertyName } from "../syntax/references.ts";

export interface ToolParameter {
  readonly name: string;
  readonly optional: boolean;
  /** On one line. */
  readonly type: string;
}

export interface ResultField {
  readonly name: string;
  readonly isArray: boolean;
}

export interface ToolSignature {
  /** As a program writes it: `github.list_issues`. */
  readonly callable: string;
  /** The properties of its one argument object, or its parameters when it takes several. */
  readonly parameters: readonly ToolParameter[];
  /** Whether its argument object may hold other properties, too. */
  readonly open: boolean;
  /** Whether the parameters are passed in order instead of as one object. */
  readonly positional: boolean;
  /** The fields of its result, when that is an object or an array of objects. */
  readonly fields: readonly ResultField[];
  /** The fields are those of an array's elements. */
  readonly givesArray: boolean;
  /** The whole signature on one line, cut at about 400 characters. */
  readonly text: string;
}

export interface ToolSignatures {
  /** Globals that hold tools, each with the tools' methods. */
  readonly servers: ReadonlyMap<string, readonly string[]>;
  /** The same by original names, as in `tools`. */
  readonly originals: ReadonlyMap<string, readonly string[]>;
  /** Global functions that are tools. */
  readonly functions: readonly string[];
  /** Functions of the host on `tools` and `runs`: `search`, `describe`; `result`. */
  readonly hosted: ReadonlyMap<string, readonly string[]>;
  /**
   * Finds a tool by the path that a program calls: `["github", "list_issues"]`, `["tools", "github", "list-issues"]`,
   * `["tools", "search"]`.
   */
  find(path: readonly string[]): ToolSignature | undefined;
}

const MAX_CHARS = 400;
const OPTIONS: ParserOptions = {
  sourceType: "script",
  attachComment: false,
  plugins: [["typescript", { dts: true }]],
};

/** Parses the output of `renderDeclarations`. Any other text has no signatures. */
export function readToolSignatures(declarations: string): ToolSignatures {
  const reader = new Reader(declarations);
  return {
    servers: new Map([...reader.servers].map(([global, methods]) => [global, [...methods.keys()]])),
    originals: reader.originals(),
    functions: [...reader.functions.keys()],
    hosted: new Map([...reader.hosted].map(([name, functions]) => [name, [...functions.keys()]])),
    find: (path) => reader.find(path),
  };
}

/** Declared like tools, but not tools. */
const NOT_TOOLS: ReadonlySet<string> = new Set(environmentNames);

class Reader {
  readonly servers = new Map<string, ReadonlyMap<string, SyntaxNode>>();
  readonly functions = new Map<string, SyntaxNode>();
  readonly hosted = new Map<string, ReadonlyMap<string, SyntaxNode>>();
  readonly #text: string;
  readonly #types = new Map<string, SyntaxNode>();
  /** Original names, as in `tools["server"]["tool"]`, each with the type that it is an alias of. */
  readonly #originals = new Map<string, SyntaxNode>();

  constructor(text: string) {
    this.#text = text;
    for (const statement of parse(text, OPTIONS).program.body) this.#read(statement);
  }

  #read(statement: SyntaxNode): void {
    switch (statement.type) {
      case "TSTypeAliasDeclaration":
        this.#types.set(statement.id.name, statement.typeAnnotation as unknown as SyntaxNode);
        return;
      case "TSDeclareFunction":
        if (statement.id && !NOT_TOOLS.has(statement.id.name))
          this.functions.set(statement.id.name, statement);
        return;
      case "VariableDeclaration":
        for (const { id } of statement.declarations) if (id.type === "Identifier") this.#readConstant(id);
        return;
      default:
    }
  }

  #readConstant(id: Extract<Expression, { type: "Identifier" }>): void {
    const type = annotationOf(id);
    if (type === undefined) return;
    if (callingNames.includes(id.name)) {
      const members = Map.groupBy(membersOf(type), ([, node]) => typeOf(node) === "TSMethodSignature");
      this.hosted.set(id.name, new Map(members.get(true)));
      for (const [server, node] of members.get(false) ?? [])
        this.#originals.set(server, annotationOf(node) ?? node);
    } else if (!NOT_TOOLS.has(id.name) && typeOf(type) === "TSTypeLiteral")
      this.servers.set(id.name, new Map(membersOf(type)));
  }

  find([root = "", ...path]: readonly string[]): ToolSignature | undefined {
    const [method, ...more] = path;
    const hosted = this.hosted.get(root)?.get(method ?? "");
    if (hosted !== undefined && method !== undefined && more.length === 0)
      return this.#toSignature(writeMember(root, method), hosted);
    if (root === "tools") return this.#findOriginal(path);
    if (more.length > 0) return undefined;
    const node =
      method === undefined
        ? this.functions.get(root)
        : (this.servers.get(root)?.get(method) ?? this.#aliased(root, method));
    if (node === undefined) return undefined;
    return this.#toSignature(method === undefined ? root : writeMember(root, method), node);
  }

  /** A server's global has the original names as well. */
  #aliased(global: string, original: string): SyntaxNode | undefined {
    for (const server of this.#originals.values()) {
      const member = membersOf(server).find(([name]) => name === original)?.[1];
      const [holder, method = ""] = (member && queryOf(annotationOf(member) ?? member)) ?? [];
      if (holder === global) return this.servers.get(global)?.get(method);
    }
    return undefined;
  }

  originals(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      [...this.#originals].map(([server, node]) => {
        const [global = ""] = queryOf(node) ?? [];
        const methods = this.servers.get(global)?.keys();
        return [server, [...(methods ?? membersOf(node).map(([name]) => name))]];
      }),
    );
  }

  #findOriginal([server = "", tool = "", ...more]: readonly string[]): ToolSignature | undefined {
    const node = this.#originals.get(server);
    if (node === undefined || more.length > 0) return undefined;
    const whole = queryOf(node);
    if (whole !== undefined) return this.find([...whole, tool]);
    const member = membersOf(node).find(([name]) => name === tool)?.[1];
    const alias = member && queryOf(annotationOf(member) ?? member);
    return alias && this.find(alias);
  }

  #toSignature(callable: string, node: SyntaxNode): ToolSignature {
    const parameters = (fieldOf(node, "parameters") ?? fieldOf(node, "params")) as readonly SyntaxNode[];
    const returned = annotationOf(node, "typeAnnotation") ?? annotationOf(node, "returnType");
    const result = returned && this.#resolve(typeArgumentOf(returned));
    const givesArray = result !== undefined && typeOf(result) === "TSArrayType";
    const element = givesArray ? this.#resolve(fieldOf(result, "elementType") as SyntaxNode) : result;
    const [only] = parameters;
    const single = parameters.length === 1 && only?.type === "Identifier" && only.name === "args";
    const type = single && only ? this.#resolve(annotationOf(only)) : undefined;
    const whole = `${callable}(${parameters.map((parameter) => this.#line(parameter)).join(", ")}): ${returned ? this.#line(returned) : "Promise<any>"}`;
    return {
      callable,
      positional: !single && parameters.length > 0,
      open: type === undefined || typeOf(type) !== "TSTypeLiteral" || holdsIndex(type),
      parameters: single
        ? membersOf(type).map(([name, member]) => this.#toParameter(name, member))
        : parameters.map((each) => this.#toParameter(parameterName(each), each)),
      fields: membersOf(element).map(([name, member]) => ({ name, isArray: isArrayMember(member) })),
      givesArray,
      text: cut(whole),
    };
  }

  #toParameter(name: string, node: SyntaxNode): ToolParameter {
    const type = annotationOf(node);
    return { name, optional: fieldOf(node, "optional") === true, type: type ? this.#line(type) : "any" };
  }

  #resolve(type: SyntaxNode | undefined): SyntaxNode | undefined {
    const name = type && typeOf(type) === "TSTypeReference" ? fieldOf(type, "typeName") : undefined;
    return isNode(name) && name.type === "Identifier" ? this.#types.get(name.name) : type;
  }

  /** A part of the declarations without comments, on one line. */
  #line(node: SyntaxNode): string {
    return this.#text
      .slice(startOf(node), endOf(node))
      .replace(/\/\*\*.*?\*\//gs, "")
      .replace(/\s+/g, " ")
      .replace(/; \}/g, " }")
      .trim();
  }
}

function parameterName(parameter: SyntaxNode): string {
  if (parameter.type === "RestElement") return `...${parameterName(parameter.argument as SyntaxNode)}`;
  return parameter.type === "Identifier" ? parameter.name : "";
}

/** Babel's union does not list every node inside types, so kinds are read as text. */
function typeOf(node: SyntaxNode): string {
  return node.type;
}

/** The type after a colon. */
function annotationOf(node: SyntaxNode, field = "typeAnnotation"): SyntaxNode | undefined {
  const annotation = fieldOf(node, field);
  if (!isNode(annotation)) return undefined;
  if (typeOf(annotation) !== "TSTypeAnnotation") return annotation;
  const type = fieldOf(annotation, "typeAnnotation");
  return isNode(type) ? type : undefined;
}

/** The `T` of a `Promise<T>`. */
function typeArgumentOf(type: SyntaxNode): SyntaxNode | undefined {
  const parameters = fieldOf(type, "typeParameters") ?? fieldOf(type, "typeArguments");
  const [first] = (isNode(parameters) ? fieldOf(parameters, "params") : []) as readonly unknown[];
  return isNode(first) ? first : undefined;
}

function holdsIndex(type: SyntaxNode): boolean {
  return [...childrenOf(type)].some(({ node }) => typeOf(node) === "TSIndexSignature");
}

function isArrayMember(member: SyntaxNode): boolean {
  const type = annotationOf(member);
  return type !== undefined && typeOf(type) === "TSArrayType";
}

function membersOf(type: SyntaxNode | undefined): readonly (readonly [name: string, node: SyntaxNode])[] {
  if (type === undefined || typeOf(type) !== "TSTypeLiteral") return [];
  return [...childrenOf(type)].flatMap(({ node }): readonly (readonly [string, SyntaxNode])[] => {
    const key = fieldOf(node, "key");
    const name = isNode(key)
      ? propertyName(key as Expression, fieldOf(node, "computed") === true)
      : undefined;
    const literal = isNode(key) && key.type === "StringLiteral" ? key.value : undefined;
    const found = literal ?? name;
    return found === undefined ? [] : [[found, node]];
  });
}

/** `typeof github.list_issues` as a path. */
function queryOf(node: SyntaxNode): readonly string[] | undefined {
  if (typeOf(node) !== "TSTypeQuery") return undefined;
  const path: string[] = [];
  for (let name = fieldOf(node, "exprName"); isNode(name); name = fieldOf(name, "left")) {
    const last = name.type === "Identifier" ? name : fieldOf(name, "right");
    if (!isNode(last) || last.type !== "Identifier") return undefined;
    path.unshift(last.name);
  }
  return path;
}

function cut(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}…`;
}
