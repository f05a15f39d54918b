/** What a program is told when it is the compiler that had to be stopped. None of it is kept in the cache. */
import type { CompileOutcome } from "./compile.ts";

const SIMPLER = "Write it simpler: less nesting, plainer types.";

export function tookTooLong(deadlineMs: number): CompileOutcome {
  return failure("compile_timeout", `The program did not compile within ${deadlineMs} ms.`, SIMPLER);
}

export function tookTooMuchMemory(memoryBytes: number): CompileOutcome {
  const megabytes = Math.round(memoryBytes / 1024 / 1024);
  return failure(
    "source_too_large",
    `Compiling the program took more than the ${megabytes} MB of memory there are for it.`,
    SIMPLER,
  );
}

export const died: CompileOutcome = failure("internal_error", "The compiler failed on this program.");

function failure(
  code: "compile_timeout" | "source_too_large" | "internal_error",
  message: string,
  hint?: string,
): CompileOutcome {
  return { ok: false, code, message, ...(hint === undefined ? {} : { hint }), diagnostics: [] };
}
