/**
 * The native TypeScript as a type checker. Only this file knows its API, which is marked unstable: the version is
 * exact, and every process proves at its start that it finds a fault and accepts a correct program. It works on texts
 * in memory and never reads a file that a program or a server names.
 *
 * A few hundred bytes of types can stall it or make it grow without bound. Callers need a deadline and a limit of
 * memory; only `kill` stops it.
 */

import type { ChildProcess } from "node:child_process";
import { API, type Diagnostic, type Project, type Snapshot, type Type } from "typescript/unstable/async";
import type { CheckedProgram, SeenType, ToolTypes, TypeChecker, TypeFault } from "./checked.ts";
import { proveItself } from "./type-checker-proof.ts";
import { readTypeLib } from "./type-lib.ts";

/** The checker has ended, or its answers make no sense: it must not be used any more. */
export class CheckerBroken extends Error {
  override readonly name = "CheckerBroken";
}

/** Rejects when this platform has no checker, when it does not start, or when it misjudges a known program. */
export async function startTypeChecker(): Promise<TypeChecker> {
  const checker = new NativeChecker(readTypeLib());
  try {
    await checker.connect();
    await proveItself(checker);
    return checker;
  } catch (error) {
    checker.kill();
    throw error;
  }
}

/** Faults read of one program: more than this is not worth reading. */
const MAX_FAULTS = 200;
const MAX_PROPERTIES = 30;
const PROLOGUE = "export {}; async function main() {";
const EPILOGUE = "\n}";
const ROOT = "/program";

const COMPILER_OPTIONS = {
  ...{ target: "esnext", module: "esnext", moduleResolution: "bundler", moduleDetection: "force" },
  // The library is part of the project's files.
  ...{ noLib: true, types: [], skipLibCheck: true, noEmit: true },
  // Almost every program reads the error of a catch clause without a test.
  ...{ strict: true, useUnknownInCatchVariables: false },
  ...{ allowUnreachableCode: true, allowUnusedLabels: true },
};

class NativeChecker implements TypeChecker {
  readonly #files = new Map<string, string>();
  readonly #libFiles: readonly string[];
  readonly #projects = new Set<string>();
  readonly #api: API;
  readonly #gone = Promise.withResolvers<void>();
  #process: ChildProcess | undefined;
  /** A write to a process that has gone would be an uncatchable error. */
  #ended = false;
  /** Rejects the requests of a process that dies: it would never answer them. */
  readonly #pending = new Set<(reason: Error) => void>();
  /** The checker asks for a program's text while it makes the snapshot, so snapshots are made one at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(lib: readonly string[]) {
    this.#libFiles = lib.map((_, index) => `${ROOT}/lib${index}.d.ts`);
    lib.forEach((text, index) => {
      this.#files.set(this.#libFiles[index] ?? "", text);
    });
    // A file outside the map must not exist. An answer of `undefined` would mean "look on the disk".
    this.#api = new API({
      cwd: ROOT,
      fs: {
        readFile: (name) => this.#files.get(name) ?? null,
        fileExists: (name) => this.#files.has(name),
        directoryExists: (name) => name === ROOT || this.#projects.has(name),
        getAccessibleEntries: () => ({ files: [], directories: [] }),
        realpath: (name) => name,
      },
    });
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get toolSets(): number {
    return this.#projects.size;
  }

  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  hasToolSet(hash: string): boolean {
    return this.#projects.has(folderOf(hash));
  }

  /** The API starts its process with the first request and keeps it private; pending calls outlive its death. */
  async connect(): Promise<void> {
    const started = this.#api.updateSnapshot({});
    const { client } = this.#api as unknown as { readonly client?: { readonly process?: ChildProcess } };
    started.catch(() => undefined);
    while (client?.process === undefined) {
      const settled = await Promise.race([started.then(() => true), nextTurn()]);
      if (settled) break;
    }
    this.#process = client?.process;
    if (this.#process === undefined) throw new Error("the type checker's process cannot be found");
    this.#process.once("exit", () => {
      this.#ended = true;
      for (const reject of this.#pending) reject(new Error("the type checker ended"));
      this.#gone.resolve();
    });
    const snapshot = await Promise.race([started, this.#gone.promise]);
    if (snapshot === undefined) throw new Error("the type checker ended at its start");
    await snapshot.dispose();
  }

  async check(tools: ToolTypes, program: string): Promise<CheckedProgram> {
    return await this.#ask(() => this.#check(tools, program));
  }

  async #check(tools: ToolTypes, program: string): Promise<CheckedProgram> {
    const main = `${folderOf(tools.hash)}/main.ts`;
    const snapshot = await this.#inTurn(() => this.#update(tools, main, program));
    const project = snapshot.getProject(`${folderOf(tools.hash)}/tsconfig.json`);
    if (project === undefined) throw new Error("the type checker did not open the project");
    const [syntax, types] = await Promise.all([
      project.program.getSyntacticDiagnostics(main),
      project.program.getSemanticDiagnostics(main),
    ]);
    return {
      faults: [...syntax, ...types].slice(0, MAX_FAULTS).map(toFault),
      typeAt: (offset, unwrap) => this.#ask(() => typeAt(project, main, offset + PROLOGUE.length, unwrap)),
      [Symbol.asyncDispose]: async () => {
        if (!this.#ended) await this.#ask(() => snapshot.dispose());
      },
    };
  }

  async #ask<T>(act: () => Promise<T>): Promise<T> {
    if (this.#ended) throw new CheckerBroken("the type checker has ended");
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#pending.add(reject);
    act().then(resolve, reject);
    try {
      return await promise;
    } catch (cause) {
      throw new CheckerBroken("the type checker failed", { cause });
    } finally {
      this.#pending.delete(reject);
    }
  }

  async #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(act);
    this.#turn = turn.catch(() => undefined);
    return await turn;
  }

  async #update(tools: ToolTypes, main: string, program: string): Promise<Snapshot> {
    this.#files.set(main, PROLOGUE + program + EPILOGUE);
    if (this.hasToolSet(tools.hash))
      return await this.#api.updateSnapshot({ fileChanges: { changed: [main] } });
    const folder = folderOf(tools.hash);
    this.#projects.add(folder);
    const declarations = `${folder}/tools.d.ts`;
    const config = `${folder}/tsconfig.json`;
    this.#files.set(declarations, tools.text);
    this.#files.set(
      config,
      JSON.stringify({
        compilerOptions: COMPILER_OPTIONS,
        files: [...this.#libFiles, declarations, main],
      }),
    );
    return await this.#api.updateSnapshot({ openProjects: [config] });
  }

  kill(): void {
    this.#ended = true;
    this.#process?.kill("SIGKILL");
  }
}

function folderOf(hash: string): string {
  return `${ROOT}/${hash}`;
}

function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)));
}

function toFault({ code, text, pos, end, messageChain, relatedInformation }: Diagnostic): TypeFault {
  return {
    code,
    text,
    chain: flatten(messageChain ?? []),
    related: (relatedInformation ?? []).map((remark) => remark.code),
    start: pos - PROLOGUE.length,
    end: end - PROLOGUE.length,
  };
}

function flatten(chain: readonly Diagnostic[]): TypeFault["chain"] {
  return chain.flatMap(({ code, text, messageChain = [] }) => [{ code, text }, ...flatten(messageChain)]);
}

async function typeAt(
  { checker }: Project,
  file: string,
  offset: number,
  unwrap: number,
): Promise<SeenType | undefined> {
  let type: Type | undefined = await checker.getTypeAtPosition(file, offset);
  for (let left = unwrap; left > 0 && type !== undefined; left -= 1)
    type = type.isTypeReference() ? (await checker.getTypeArguments(type))[0] : undefined;
  if (type === undefined) return undefined;
  const symbol = await type.getSymbol();
  // Arguments and results of tools have no named types; a named type, like ToolError, belongs to the environment.
  const ofTools =
    symbol?.name === "__type" && symbol.declarations.some(({ path }) => path.endsWith("/tools.d.ts"));
  return { ofTools, properties: ofTools ? await propertiesOf(checker, type) : [] };
}

async function propertiesOf(checker: Project["checker"], type: Type): Promise<SeenType["properties"]> {
  const symbols = (await checker.getPropertiesOfType(type)).slice(0, MAX_PROPERTIES);
  return await Promise.all(
    symbols.map(async (symbol) => {
      const valueType = await checker.getTypeOfSymbol(symbol);
      return {
        name: symbol.name,
        isArray: valueType !== undefined && (await checker.isArrayType(valueType)),
      };
    }),
  );
}
