/**
 * What the gateway and the compiler process say to each other over the fork's IPC channel. The child works on hostile
 * text, so what it says is parsed; a message that does not parse ends it.
 */
import { z } from "zod";
import type { CompileOutcome, CompileRequest } from "./compile.ts";

export interface ToCompiler {
  readonly id: number;
  readonly request: CompileRequest;
}

export type FromCompiler =
  | { readonly type: "ready" }
  /** The child's only thread is busy with this text from now on, until `read`. */
  | { readonly type: "reading"; readonly id: number }
  | { readonly type: "read"; readonly id: number }
  | { readonly type: "done"; readonly id: number; readonly outcome: CompileOutcome };

const MIB = 1024 * 1024;
const position = z.int().min(1);
const message = z.string().max(100_000);

const diagnostic = z.object({
  severity: z.enum(["error", "warning", "note"]),
  code: z.int().nullable(),
  message,
  line: position,
  column: position,
});

const outcome = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    program: z.object({
      js: z.string().max(8 * MIB),
      positions: z.object({ encoded: z.string().max(32 * MIB) }),
      diagnostics: z.array(diagnostic).max(1000),
      runs: z.boolean(),
      toolReferences: z.array(
        z.object({ root: z.string(), path: z.array(z.string()), line: position, column: position }),
      ),
    }),
  }),
  z.object({
    ok: z.literal(false),
    code: z.enum(["syntax_error", "source_too_large", "compile_timeout", "internal_error"]),
    message,
    hint: z.exactOptional(message),
    line: z.exactOptional(position),
    column: z.exactOptional(position),
    diagnostics: z.array(diagnostic).max(1000),
  }),
]);

const id = z.int().min(0);
const fromCompiler = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("reading"), id }),
  z.object({ type: z.literal("read"), id }),
  z.object({ type: z.literal("done"), id, outcome }),
]);
const toCompiler = z.object({
  id,
  request: z.object({ code: z.string(), sourceBytes: z.int(), globals: z.array(z.string()) }),
});

/** Undefined for anything the child must not say. */
export function parseFromCompiler(value: unknown): FromCompiler | undefined {
  return fromCompiler.safeParse(value).data;
}

/** Throws for anything else: the parent is trusted, so that would be a bug. */
export function parseToCompiler(value: unknown): ToCompiler {
  return toCompiler.parse(value);
}
