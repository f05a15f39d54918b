/** Module syntax in a program that is no module: blanked where nothing is lost by it, refused where something is. */
import { type Draft, drop, note } from "./draft.ts";
import { type Inspection, toolGlobals } from "./inspect.ts";
import { type Statement, startOf } from "./parse.ts";

export interface ShapeRefusal {
  readonly ok: false;
  readonly message: string;
  readonly hint: string;
  readonly offset: number;
}

export type DefaultExport = Extract<Statement, { type: "ExportDefaultDeclaration" | "TSExportAssignment" }>;

/** An export of types is none. */
export function isDefaultExport(statement: Statement): statement is DefaultExport {
  if (statement.type === "ExportDefaultDeclaration") return !exportsType(statement);
  return statement.type === "TSExportAssignment";
}

/** Babel's types do not know that an interface can be a default export; its parser does. */
function exportsType(statement: Extract<Statement, { type: "ExportDefaultDeclaration" }>): boolean {
  const type: string = statement.declaration.type;
  return type === "TSInterfaceDeclaration" || type === "TSDeclareFunction";
}

/** An exported declaration counts as the declaration. */
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

/** Blanks what a function's body may not hold, all but a default export's, which stands for a result. */
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
      return refuseModules(statement, globals);
    case "ExportDefaultDeclaration":
      if (exportsType(statement)) drop(draft, statement);
      return undefined;
    case "ExportNamedDeclaration":
      if (statement.source) return refuseModules(statement, globals);
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
      ({ local }) => inspection.uses.has(local.name) && !globals.includes(local.name),
    );
    if (needed.length > 0 || statement.specifiers.length === 0) return refuseModules(statement, globals);
    note(draft, "The import was dropped: there are no modules, and tools are globals.", statement);
  }
  drop(draft, statement);
  return undefined;
}

function isTypeImport({ importKind, specifiers }: Import): boolean {
  if (importKind === "type") return true;
  return (
    specifiers.length > 0 &&
    specifiers.every((specifier) => specifier.type === "ImportSpecifier" && specifier.importKind === "type")
  );
}

const MAX_NAMES = 30;

function refuseModules(statement: Statement, globals: readonly string[]): ShapeRefusal {
  const names = toolGlobals(globals);
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
