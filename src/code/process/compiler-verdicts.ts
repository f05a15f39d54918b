/** Refusals of a program when the compiler had to be stopped. None of them is cached. */
import type { CompileOutcome } from "../compile.ts";

const SIMPLER = "Write it simpler: less nesting, plainer types.";

export function tookTooLong(cpuLimitMs: number): CompileOutcome {
  return failure("compile_timeout", `Compiling the program took more than ${cpuLimitMs} ms of CPU.`, SIMPLER);
}

export function tookTooMuchMemory(memoryBytes: number): CompileOutcome {
  const megabytes = Math.round(memoryBytes / 1024 / 1024);
  return failure(
    "source_too_large",
    `Compiling the program took more than the ${megabytes} MB of memory there are for it.`,
    SIMPLER,
  );
}

export function textTooLarge(mostBytes: number, sourceBytes: number): CompileOutcome {
  const message = `The text is over ${mostBytes} bytes; a program may have ${sourceBytes}.`;
  return { ok: false, code: "source_too_large", message, line: 1, column: 1, diagnostics: [] };
}

export const died: CompileOutcome = failure("internal_error", "The compiler failed on this program.");

function failure(
  code: "compile_timeout" | "source_too_large" | "internal_error",
  message: string,
  hint?: string,
): CompileOutcome {
  return { ok: false, code, message, ...(hint === undefined ? {} : { hint }), diagnostics: [] };
}
