/**
 * Turns the body of a program into one JavaScript expression. Plain JavaScript is wrapped and otherwise unchanged;
 * TypeScript passes through esbuild's `transform`, which resolves nothing and reads no file. V8 has the last word on
 * the syntax.
 */
import { Script } from "node:vm";
import { stop, type TransformFailure, transform } from "esbuild";

export type Emitted =
  | {
      readonly ok: true;
      readonly js: string;
      /** esbuild's `mappings` from `js` to the wrapped body; null when nothing was transformed. */
      readonly mappings: string | null;
    }
  | {
      readonly ok: false;
      readonly message: string;
      /** In the wrapped body for stage `transform`, in the emitted text for stage `engine`. 1-based. */
      readonly line: number;
      readonly column: number;
      readonly stage: "transform" | "engine";
      readonly mappings: string | null;
      readonly tooDeep: boolean;
    };

/** One line, so that the wrapped text's lines are the body's, shifted by one. */
const PROLOGUE = '(async () => {"use strict";\n';
const EPILOGUE = "\n})";

/** Wraps and, for TypeScript, transforms. Rejects only when esbuild cannot be started. */
export async function emit(body: string, typescript: boolean): Promise<Emitted> {
  const wrapped = PROLOGUE + body + EPILOGUE;
  if (!typescript) return verify(wrapped, null);
  try {
    const { code, map } = await transformOnce(wrapped);
    const { mappings } = JSON.parse(map) as { readonly mappings: string };
    return verify(withoutSemicolon(code.trimEnd()), mappings);
  } catch (error) {
    if (!isTransformFailure(error)) throw error;
    const [first] = error.errors;
    const location = first?.location;
    return {
      ok: false,
      message: first?.text ?? "The program could not be transpiled.",
      line: location?.line ?? 1,
      column: location ? utf16Column(location.lineText, location.column) : 1,
      stage: "transform",
      mappings: null,
      tooDeep: false,
    };
  }
}

function withoutSemicolon(statement: string): string {
  return statement.endsWith(";") ? statement.slice(0, -1) : statement;
}

/** A text can kill esbuild's service, which does not restart by itself: it is started once more. */
async function transformOnce(wrapped: string): Promise<{ readonly code: string; readonly map: string }> {
  try {
    return await transformText(wrapped);
  } catch (error) {
    if (isTransformFailure(error)) throw error;
    await stop();
    return await transformText(wrapped);
  }
}

function transformText(text: string): Promise<{ readonly code: string; readonly map: string }> {
  return transform(text, {
    loader: "ts",
    // Lowering would put helpers before the expression.
    target: "esnext",
    charset: "utf8",
    sourcemap: "external",
    sourcesContent: false,
    legalComments: "none",
    treeShaking: false,
    logLevel: "silent",
    tsconfigRaw: { compilerOptions: { useDefineForClassFields: true } },
  });
}

function isTransformFailure(error: unknown): error is TransformFailure {
  return (
    error instanceof Error && "errors" in error && Array.isArray(error.errors) && error.errors.length > 0
  );
}

/** esbuild counts columns from 0, in bytes. */
function utf16Column(lineText: string, byteColumn: number): number {
  return Buffer.from(lineText).subarray(0, byteColumn).toString().length + 1;
}

/** Compiles without running: early errors that the parser does not know, regular expressions among them. */
function verify(js: string, mappings: string | null): Emitted {
  try {
    new Script(js, { filename: SCRIPT });
    return { ok: true, js, mappings };
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
    const tooDeep = error.name === "RangeError";
    const { line, column } = positionOf(error);
    const message = tooDeep ? "The program is nested too deeply to compile." : error.message;
    return { ok: false, message, line, column, stage: "engine", mappings, tooDeep };
  }
}

const SCRIPT = "program";

/** V8 gives the position only in the stack: `program:LINE`, the line itself, and a row of carets below it. */
function positionOf(error: Error): { readonly line: number; readonly column: number } {
  const found = /^program:(\d+)\n.*\n(\s*)\^/.exec(error.stack ?? "");
  return { line: Number(found?.[1] ?? 1), column: (found?.[2]?.length ?? 0) + 1 };
}
