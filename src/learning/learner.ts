/**
 * Learns the results of tools that do not declare them: their shapes, per principal, never values. New knowledge makes
 * a new version of the catalog, at most once a minute; a run that works with an older version keeps it.
 *
 * Calls are not delayed: results wait in a short queue until the process is idle, and results beyond its size are
 * dropped.
 */
import type { Log } from "../log.ts";
import type { Store } from "../store/store.ts";
import { type Catalog, type CatalogTool, promisedSchema } from "../tools/catalog.ts";
import { Lessons } from "./lessons.ts";

export interface Learner extends AsyncDisposable {
  /**
   * Queues a result of a tool that declares none, or that returned something other than declared. `value` is plain
   * JSON, must not change afterwards, and has `chars` characters as text. Never throws.
   */
  learn(principal: string, tool: CatalogTool, value: unknown, chars: number): void;
  /** The catalog with the shapes learned from this principal's calls. */
  view(catalog: Catalog, principal: string): Catalog;
}

export interface LearnerDeps {
  readonly store: Pick<Store, "putShapes" | "readShapes">;
  readonly log: Log;
  /** Milliseconds since the Unix epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** Most results that wait to be observed, and most characters of their texts; further ones are dropped. */
const MAX_QUEUED = 256;
const MAX_QUEUED_CHARS = 16 * 1024 * 1024;
/** Milliseconds of observing before other work gets a turn. */
const TURN_MS = 5;
/** Milliseconds until new knowledge is written to the store. */
const WRITE_AFTER_MS = 2_000;
/** Principals whose knowledge is held in memory; beyond it, the one that learned least recently is dropped. */
const MAX_PRINCIPALS = 1_000;

/** Loads the knowledge of earlier processes. Rejects when the store cannot be read. */
export async function createLearner(deps: LearnerDeps): Promise<Learner> {
  const learner = new StoringLearner(deps);
  await learner.takeUp();
  return learner;
}

interface Result {
  readonly principal: string;
  readonly tool: CatalogTool;
  readonly value: unknown;
  readonly chars: number;
}

class StoringLearner implements Learner {
  readonly #deps: LearnerDeps;
  readonly #now: () => number;
  /** In the order in which they last learned something. */
  readonly #lessons = new Map<string, Lessons>();
  readonly #queue: Result[] = [];
  #queuedChars = 0;
  #closed = false;
  #turn: NodeJS.Immediate | undefined;
  #writing: NodeJS.Timeout | undefined;

  constructor(deps: LearnerDeps) {
    this.#deps = deps;
    this.#now = deps.now ?? Date.now;
  }

  async takeUp(): Promise<void> {
    const { store, log } = this.#deps;
    const shapes = await store.readShapes().catch((error: unknown) => {
      log.error({ err: error }, "learned shapes could not be read; learning starts again");
      return [];
    });
    for (const stored of shapes) this.#lessonsOf(stored.principal).takeUp(stored);
  }

  learn(principal: string, tool: CatalogTool, value: unknown, chars: number): void {
    const isFull = this.#queue.length >= MAX_QUEUED || this.#queuedChars + chars > MAX_QUEUED_CHARS;
    // For a tool that declares its result, texts in its place are worth knowing.
    const isText = typeof value === "string" && tool.attachedSchema === undefined;
    if (this.#closed || (promisedSchema(tool) !== undefined && !isText) || isFull) return;
    this.#queue.push({ principal, tool, value, chars });
    this.#queuedChars += chars;
    this.#turn ??= setImmediate(() => this.#lookAtSome()).unref();
  }

  view(catalog: Catalog, principal: string): Catalog {
    return this.#lessons.get(principal)?.view(catalog, this.#now()) ?? catalog;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearImmediate(this.#turn);
    while (this.#queue.length > 0) this.#lookAtOne();
    clearTimeout(this.#writing);
    await this.#write();
  }

  #lookAtSome(): void {
    const until = performance.now() + TURN_MS;
    while (this.#queue.length > 0 && performance.now() < until) this.#lookAtOne();
    this.#turn = this.#queue.length === 0 ? undefined : setImmediate(() => this.#lookAtSome()).unref();
  }

  #lookAtOne(): void {
    const result = this.#queue.shift();
    if (result === undefined) return;
    const { principal, tool, value, chars } = result;
    this.#queuedChars -= chars;
    const lessons = this.#lessonsOf(principal);
    this.#lessons.delete(principal);
    this.#lessons.set(principal, lessons);
    lessons.add(tool, value, this.#now());
    if (lessons.hasNews) this.#writing ??= setTimeout(() => void this.#write(), WRITE_AFTER_MS).unref();
  }

  #lessonsOf(principal: string): Lessons {
    const known = this.#lessons.get(principal);
    if (known !== undefined) return known;
    const lessons = new Lessons(principal);
    this.#lessons.set(principal, lessons);
    const [oldest] = this.#lessons.keys();
    if (this.#lessons.size > MAX_PRINCIPALS && oldest !== undefined) this.#lessons.delete(oldest);
    return lessons;
  }

  /** Knowledge that cannot be written is learned again by the next process. */
  async #write(): Promise<void> {
    this.#writing = undefined;
    const news = [...this.#lessons.values()].flatMap((lessons) => lessons.takeNews());
    if (news.length === 0) return;
    try {
      await this.#deps.store.putShapes(news);
    } catch (error) {
      this.#deps.log.warn({ err: error }, "shapes of results could not be stored");
    }
  }
}
