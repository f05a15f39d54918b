/** One text on its way through a compiler process, and the messages about it. */

import type { CompileClock } from "../check/compile-clock.ts";
import type { TypesByHash } from "../check-program.ts";
import type { CompileOutcome, CompileRequest, TypeCheck } from "../compile.ts";
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
  /** Whether the caller has stopped waiting for it. */
  abandoned: boolean;
  /** Running while the text is in a process. */
  clock: CompileClock | undefined;
}

export function createJob(fixed: Pick<Job, "id" | "owner" | "request" | "key" | "resolve" | "reject">): Job {
  return { ...fixed, suspect: false, reading: false, abandoned: false, clock: undefined };
}

/** Declarations are given by their hashes. Without `types` the check is skipped this time. */
export function toMessage({ id, request }: Job, types: boolean): ToCompiler {
  const { check, ...text } = request;
  return {
    type: "compile",
    id,
    request: {
      ...text,
      check: check === null ? { mode: "off" } : { mode: check.mode, types: types ? hashesOf(check) : null },
    },
  };
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
