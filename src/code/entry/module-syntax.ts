/** Module syntax in a program, which is no module: blanked where that loses nothing, refused elsewhere. */

import { writeMember } from "../../tools/meant-tools.ts";
import { wayOut } from "../syntax/absent-names.ts";
import { type Statement, startOf } from "../syntax/parse.ts";
import { type Draft, drop, note } from "./draft.ts";
import type { Inspection } from "./inspect.ts";

export interface ShapeRefusal {
  readonly ok: false;
  readonly message: string;
  readonly hint: string;
  readonly offset: number;
}

export type DefaultExport = Extract<Statement, { type: "ExportDefaultDeclaration" | "TSExportAssignment" }>;

/** An export of types is not a default export. */
export function isDefaultExport(statement: Statement): statement is DefaultExport {
  if (statement.type === "ExportDefaultDeclaration") return !exportsType(statement);
  return statement.type === "TSExportAssignment";
}

/** Babel's parser accepts an interface as a default export; its types do not. */
function exportsType(statement: Extract<Statement, { type: "ExportDefaultDeclaration" }>): boolean {
  const type: string = statement.declaration.type;
  return type === "TSInterfaceDeclaration" || type === "TSDeclareFunction";
}

/** The declaration inside an export; any other statement is returned as it is. */
export function declarationOf(statement: Statement): Statement {
  return statement.type === "ExportNamedDeclaration" && statement.declaration
    ? statement.declaration
    : statement;
}

/** Whether a statement does anything when the program runs: types, imports and `declare` do not. */
export function isRunning(statement: Statement): boolean {
  switch (statement.type) {
    case "EmptyStatement":
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSModuleDeclaration":
    case "TSDeclareFunction":
      return false;
    case "ExportDefaultDeclaration":
      return !exportsType(statement);
    case "VariableDeclaration":
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
      return !statement.declare;
    default:
      return true;
  }
}

/** Blanks everything that a function's body may not hold, except a default export, which stands for the result. */
export function removeModuleSyntax(
  draft: Draft,
  statement: Statement,
  inspection: Inspection,
  globals: readonly string[],
): ShapeRefusal | undefined {
  switch (statement.type) {
    case "ImportDeclaration":
      return dropImport(draft, statement, inspection, globals);
    case "ExportAllDeclaration":
    case "TSImportEqualsDeclaration":
    case "TSNamespaceExportDeclaration":
      return refuseModules(statement, inspection.toolNames);
    case "ExportDefaultDeclaration":
      if (exportsType(statement)) drop(draft, statement);
      return undefined;
    case "ExportNamedDeclaration":
      if (statement.source) return refuseModules(statement, inspection.toolNames);
      if (statement.declaration) {
        draft.blanks.push([startOf(statement), startOf(statement.declaration)]);
        return removeModuleSyntax(draft, statement.declaration, inspection, globals);
      }
      drop(draft, statement);
      return undefined;
    case "TSModuleDeclaration":
      if (!statement.declare && statement.kind !== "global") return refuseNamespace(statement);
      drop(draft, statement);
      return undefined;
    case "VariableDeclaration":
    case "FunctionDeclaration":
    case "ClassDeclaration":
    case "TSEnumDeclaration":
    case "TSDeclareFunction":
      if (statement.declare) drop(draft, statement);
      return undefined;
    default:
      return undefined;
  }
}

type Import = Extract<Statement, { type: "ImportDeclaration" }>;

function dropImport(
  draft: Draft,
  statement: Import,
  inspection: Inspection,
  globals: readonly string[],
): ShapeRefusal | undefined {
  if (!isTypeImport(statement)) {
    const needed = statement.specifiers.filter(
      (specifier) => inspection.uses.has(specifier.local.name) && !isGlobal(specifier, statement, globals),
    );
    if (needed.length > 0 || statement.specifiers.length === 0) {
      const refusal = refuseModules(statement, inspection.toolNames);
      const instead = sayInstead(statement, needed, inspection.toolNames);
      return instead === undefined ? refusal : { ...refusal, hint: `${instead} ${refusal.hint}` };
    }
    note(draft, "The import was dropped: there are no modules, and tools are globals.", statement);
  }
  drop(draft, statement);
  return undefined;
}

type Specifier = Import["specifiers"][number];

/** Whether the name is a global that does what the import says, so that removing the import changes nothing. */
function isGlobal(specifier: Specifier, { source }: Import, globals: readonly string[]): boolean {
  const { name } = specifier.local;
  if (!globals.includes(name)) return false;
  const from = moduleName(source.value);
  if (globals.includes(from) && from !== name && from !== "tools") return false;
  return specifier.type !== "ImportSpecifier" || importedName(specifier) === name;
}

/** `shop` of `shop`, `./shop.js` and `@tools/shop`. */
function moduleName(source: string): string {
  const last = source.split("/").at(-1) ?? "";
  return last.replace(/\.[cm]?[jt]s$/, "");
}

function importedName({ imported }: Extract<Specifier, { type: "ImportSpecifier" }>): string {
  return imported.type === "Identifier" ? imported.name : imported.value;
}

function isTypeImport({ importKind, specifiers }: Import): boolean {
  if (importKind === "type") return true;
  return (
    specifiers.length > 0 &&
    specifiers.every((specifier) => specifier.type === "ImportSpecifier" && specifier.importKind === "type")
  );
}

const MAX_NAMES = 30;

/** For a module named like a tool's global, or a library: the code to write instead of the import. */
function sayInstead(
  { source }: Import,
  needed: readonly Specifier[],
  toolNames: readonly string[],
): string | undefined {
  const from = moduleName(source.value);
  if (!toolNames.includes(from))
    return wayOut(
      source.value
        .replace(/^node:/, "")
        .split("/", 1)
        .join(""),
    );
  const [first, ...others] = needed.map((specifier) => {
    if (specifier.type !== "ImportSpecifier") return `${from} in place of ${specifier.local.name}`;
    return `${writeMember(from, importedName(specifier))}(…)`;
  });
  if (first === undefined) return undefined;
  return `${from} is a global. Leave the import out, and write ${[first, ...others.slice(0, 3)].join(", ")}.`;
}

function refuseModules(statement: Statement, names: readonly string[]): ShapeRefusal {
  const shown = names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? ", …" : "");
  return {
    ok: false,
    message: "There are no modules here: import and export from do not work.",
    hint: names.length === 0 ? "No tools are available." : `Tools are globals: ${shown}.`,
    offset: startOf(statement),
  };
}

function refuseNamespace(statement: Statement): ShapeRefusal {
  return {
    ok: false,
    message: "Namespaces are not supported.",
    hint: "Use a plain object: const name = { … }.",
    offset: startOf(statement),
  };
}
