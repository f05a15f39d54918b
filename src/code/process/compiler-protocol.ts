/**
 * Messages between the gateway and the compiler process over the fork's IPC channel. The process works on hostile text,
 * so its messages are parsed; one that does not parse ends it.
 */
import { z } from "zod";
import type { CompileOutcome } from "../compile.ts";
import type { ProgramRequest } from "../compile-program.ts";

export type ToCompiler =
  | { readonly type: "compile"; readonly id: number; readonly request: ProgramRequest }
  /** The answer to `needs`. */
  | { readonly type: "declarations"; readonly hash: string; readonly text: string };

export type FromCompiler =
  | { readonly type: "ready" }
  /** The process's only thread is busy with this text from now on, until `read`. */
  | { readonly type: "reading"; readonly id: number }
  | { readonly type: "read"; readonly id: number }
  /** Only the type check is unfinished. */
  | { readonly type: "emitted"; readonly id: number }
  /** The process lacks the declarations of this hash, which a text in it is checked against. */
  | { readonly type: "needs"; readonly hash: string }
  /** The type checker does not start. */
  | { readonly type: "checker-down"; readonly reason: string }
  /** `lasting`: the outcome depends on the text alone. */
  | {
      readonly type: "done";
      readonly id: number;
      readonly outcome: CompileOutcome;
      readonly lasting: boolean;
    };

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

const toolReferences = z.array(
  z.object({
    root: z.string(),
    path: z.array(z.string()),
    line: position,
    column: position,
    otherLines: z.array(position).max(1000).exactOptional(),
  }),
);

const outcome = z.union([
  z.object({
    ok: z.literal(true),
    program: z.object({
      js: z.string().max(8 * MIB),
      positions: z.object({ encoded: z.string().max(32 * MIB) }),
      diagnostics: z.array(diagnostic).max(1000),
      runs: z.boolean(),
      toolReferences,
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
  z.object({
    ok: z.literal(false),
    code: z.literal("type_error"),
    message,
    hint: z.exactOptional(message),
    line: position,
    column: position,
    diagnostics: z.array(diagnostic).max(1000),
    toolReferences,
  }),
]);

const id = z.int().min(0);
const fromCompiler = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("reading"), id }),
  z.object({ type: z.literal("read"), id }),
  z.object({ type: z.literal("emitted"), id }),
  z.object({ type: z.literal("needs"), hash: z.string().max(200) }),
  z.object({ type: z.literal("checker-down"), reason: message }),
  z.object({ type: z.literal("done"), id, outcome, lasting: z.boolean() }),
]);
const toCompiler = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("compile"),
    id,
    request: z.object({
      code: z.string(),
      sourceBytes: z.int(),
      globals: z.array(z.string()),
      input: z.exactOptional(
        z.object({
          kind: z.enum(["null", "boolean", "number", "string", "array", "object", "unknown"]),
          fields: z.array(z.string()),
        }),
      ),
      hidden: z.exactOptional(z.array(z.string())),
      check: z.union([
        z.object({
          mode: z.enum(["error", "warn"]),
          types: z.object({ all: z.string(), promised: z.nullable(z.string()) }),
        }),
        z.object({ mode: z.enum(["error", "warn"]), types: z.null(), why: z.enum(["busy", "memory"]) }),
        z.object({ mode: z.literal("off") }),
      ]),
    }),
  }),
  z.object({ type: z.literal("declarations"), hash: z.string(), text: z.string() }),
]);

/** Undefined for any message that the compiler process must not send. */
export function parseFromCompiler(value: unknown): FromCompiler | undefined {
  return fromCompiler.safeParse(value).data;
}

/** Throws for any other value: the parent is trusted, so that would be a bug. */
export function parseToCompiler(value: unknown): ToCompiler {
  return toCompiler.parse(value);
}
