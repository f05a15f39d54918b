/** The messages and positions of failures, for a run's author. */

import type { EngineFailure, EngineRun, GuestCall, InnerFailure, Settlement } from "../engine.ts";
import type { RunLimits } from "../limits.ts";
import type { GuestPost } from "./guest-posts.ts";

export const PENDING_FOREVER =
  "The program waits for a promise that nothing can settle: no tool call is open and no timer is armed.";

/** A host must not reject. If it does, its message is kept from the program. */
export function hostFault({ server, tool }: GuestCall): Settlement {
  return { type: "error", error: { kind: "tool", message: "The call failed in the gateway.", server, tool } };
}

export function describeFail(post: Fail, run: EngineRun): EngineFailure {
  // The engine refuses buffers past the limit with an error that the program could have caught.
  const overMemory = post.message === "RangeError: Array buffer allocation failed";
  const inner = post.inner?.map(toInner);
  // The engine makes some errors with no frame of the program on the stack.
  const own = placeIn(post.stack);
  const place = own.line === undefined ? placeOf(inner?.find(({ line }) => line !== undefined)) : own;
  return {
    code: overMemory ? "memory_exceeded" : post.code,
    message: overMemory ? describeBroken("memory_exceeded", run, "") : post.message,
    ...place,
    ...(post.tool === undefined ? {} : { tool: post.tool }),
    ...(inner === undefined ? {} : { inner, innerLeft: post.left ?? 0 }),
  };
}

type Fail = Extract<GuestPost, { type: "fail" }>;
type Place = Pick<EngineFailure, "line" | "column">;

function toInner({ label, message, stack }: NonNullable<Fail["inner"]>[number]): InnerFailure {
  return { label, message, ...placeIn(stack) };
}

function placeIn(stack: string): Place {
  const frame = /program\.js:(\d+):(\d+)/.exec(stack);
  return frame === null ? {} : { line: Number(frame[1]), column: Number(frame[2]) };
}

function placeOf(inner: InnerFailure | undefined): Place {
  const { line, column } = inner ?? {};
  return line === undefined || column === undefined ? {} : { line, column };
}

export function describeBroken(code: EngineFailure["code"], run: EngineRun, words: string): string {
  if (code === "memory_exceeded") return `The program used more than ${run.limits.memoryMb} MB of memory.`;
  if (code === "cpu_timeout") return `The program used more than ${run.limits.cpuMs} ms of CPU time.`;
  if (code === "wall_timeout") return `The program took longer than ${run.limits.wallMs} ms.`;
  if (code === "guest_error") return words.replace(/ \[program\.js:\d+:\d+\]$/, "");
  return "The isolate of this program could not go on.";
}

/**
 * Arguments and results stay in the gateway for replay: together at most this multiple of the heap limit (`memoryMb`).
 */
const KEPT_FACTOR = 4;

/** Refuses a run whose arguments and results exceed what is kept for it; `chars` is their length so far. */
export function refuseKept(chars: number, { memoryMb }: RunLimits): EngineFailure | undefined {
  const keptMb = memoryMb * KEPT_FACTOR;
  if (chars <= keptMb * 1_048_576) return undefined;
  const message = `The arguments and results of the program's tool calls came to more than ${keptMb} MB in all. Ask the tools for less, or split the work into several runs.`;
  return { code: "memory_exceeded", message };
}

/** Refuses a result that, as JSON, is larger than the run's limit. */
export function refuseLarge(result: string, { resultBytes }: RunLimits): EngineFailure | undefined {
  if (Buffer.byteLength(result) <= resultBytes) return undefined;
  return { code: "result_too_large", message: `The returned value is larger than ${resultBytes} bytes.` };
}
