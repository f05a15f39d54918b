/** One text on its way through a compiler process, and the messages about it. */

import type { CompileClock } from "../check/compile-clock.ts";
import type { TypesByHash } from "../check-program.ts";
import type { CompileOutcome, CompileRequest, TypeCheck } from "../compile.ts";
import type { ProgramRequest } from "../compile-program.ts";
import type { Waiting } from "./compiler-line.ts";
import type { ToCompiler } from "./compiler-protocol.ts";

export interface Job extends Waiting {
  readonly id: number;
  readonly request: CompileRequest;
  readonly key: string;
  readonly resolve: (outcome: CompileOutcome) => void;
  readonly reject: (reason: unknown) => void;
  /** Whether the child's only thread is busy with this text. */
  reading: boolean;
  /** Whether its text is read and only its check is left. */
  checking: boolean;
  /** Whether its check took the process more memory than there is: it runs unchecked. */
  isTooMuchToCheck: boolean;
  /** Whether the caller has stopped waiting for it. */
  abandoned: boolean;
  /** Running while the text is in a process. */
  clock: CompileClock | undefined;
}

const untouched = {
  suspect: false,
  reading: false,
  checking: false,
  isTooMuchToCheck: false,
  abandoned: false,
  clock: undefined,
};

export function createJob(fixed: Pick<Job, "id" | "owner" | "request" | "key" | "resolve" | "reject">): Job {
  return { ...fixed, ...untouched };
}

/** Declarations are given by their hashes. `isBusy`: there is no time for checks. */
export function toMessage({ id, request, isTooMuchToCheck }: Job, isBusy: boolean): ToCompiler {
  const { check, ...text } = request;
  return { type: "compile", id, request: { ...text, check: toCheck(check, isTooMuchToCheck, isBusy) } };
}

function toCheck(check: TypeCheck | null, isTooMuch: boolean, isBusy: boolean): ProgramRequest["check"] {
  if (check === null) return { mode: "off" };
  const { mode } = check;
  if (isTooMuch) return { mode, types: null, why: "memory" };
  return isBusy ? { mode, types: null, why: "busy" } : { mode, types: hashesOf(check) };
}

/** The declarations that one of these texts is checked against. */
export function findDeclarations(jobs: readonly Job[], hash: string): TypeCheck["declarations"] | undefined {
  return jobs
    .flatMap(({ request: { check } }) => [check?.declarations, check?.promised])
    .find((each) => each?.hash === hash);
}

function hashesOf({ declarations, promised }: TypeCheck): TypesByHash {
  return { all: declarations.hash, promised: promised?.hash ?? null };
}
