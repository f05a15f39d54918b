/** Faults of a program that did not end it: remarks, unhandled rejections, and what it left undone. */
import type { EngineWarning } from "../engine.ts";
import { parsePlace } from "../origins.ts";
import type { GuestPost } from "./guest-posts.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { Timeline } from "./timeline.ts";
import { describeUndone, Rejections } from "./undone.ts";

/** The prelude makes two. */
const MAX_REMARKS = 5;

export class RunWarnings {
  /** Each is reported once: a replay makes them again. */
  readonly #remarks = new Set<string>();
  readonly #rejections = new Rejections();
  #atTheEnd: readonly EngineWarning[] = [];

  /** The program starts again, and rejects again. */
  restart(): void {
    this.#rejections.restart();
  }

  remark(text: string): void {
    if (this.#remarks.size < MAX_REMARKS) this.#remarks.add(text);
  }

  /** `rejectedAt` as the worker wrote it. An empty `rejection` means none. */
  reject(rejection: string, rejectedAt: string): void {
    if (rejection !== "") this.#rejections.add({ message: rejection, place: parsePlace(rejectedAt) });
  }

  /** The program completed with these calls open. */
  complete(
    { undone, handledLate }: Extract<GuestPost, { type: "done" }>,
    { calls, timeline }: { readonly calls: OpenCalls; readonly timeline: Timeline },
  ): void {
    // A tool may have answered by now, but not in time for the program.
    const missed = undone.flatMap(({ n, kind }) => (kind === "call" ? [n] : []));
    const open = [...new Set([...calls.open, ...missed])].sort((one, other) => one - other);
    const named = open.map((n) => ({ n, name: timeline.nameOf(n) }));
    this.#atTheEnd = [...this.#rejections.describe(handledLate), ...describeUndone(undone, named)];
  }

  list(): readonly EngineWarning[] {
    const remarks = [...this.#remarks].map((message) => ({ severity: "warning", message }) as const);
    return [...remarks, ...this.#atTheEnd];
  }
}
