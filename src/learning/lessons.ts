/** The knowledge from one principal's calls, and its published version. */
import { createHash } from "node:crypto";
import { SHAPES_PER_PRINCIPAL, type StoredShape } from "../store/store.ts";
import { type Catalog, type CatalogTool, withObserved } from "../tools/catalog.ts";
import { compareBytes } from "../tools/names.ts";
import type { JsonSchema } from "../tools/tool-source.ts";
import { readShape, writeShape } from "./kept-shape.ts";
import { observe } from "./observe.ts";
import { merge, type Shape } from "./shape.ts";
import { toSchema } from "./shape-schema.ts";

/** Milliseconds for which a version stays: providers cache a prompt as long as it is the same. */
const VERSION_MS = 60_000;
/** Results in a row without news after which a tool's shape counts as known. */
const KNOWN_AFTER = 20;
/** For a known shape, one of so many results is observed. */
const LOOKED_AT = 10;
/** Milliseconds after which a used shape is stored again, so that it is not removed as unused. */
const STORED_AGAIN_MS = 86_400_000;

interface Lesson {
  readonly definition: string;
  shape: Shape | undefined;
  /** The published part, also as JSON. */
  schema: JsonSchema | undefined;
  told: string | undefined;
  /** The stored part. */
  text: string | undefined;
  /** Results so far. */
  calls: number;
  callsWithoutNews: number;
  seenAt: number;
  storedAt: number;
}

interface Version {
  readonly since: number;
  /** By tool id. Equal text gives an equal version. */
  readonly schemas: ReadonlyMap<string, { readonly definition: string; readonly schema: JsonSchema }>;
  readonly text: string;
}

const NOTHING: Version = { since: Number.NEGATIVE_INFINITY, schemas: new Map(), text: "[]" };

export class Lessons {
  readonly #principal: string;
  /** By tool id, in the order of the last result. */
  readonly #lessons = new Map<string, Lesson>();
  readonly #news = new Set<string>();
  #version = NOTHING;
  #isStale = false;
  #view: { readonly of: Catalog; readonly version: Version; readonly catalog: Catalog } | undefined;

  constructor(principal: string) {
    this.#principal = principal;
  }

  /** Whether there is new knowledge to store. */
  get hasNews(): boolean {
    return this.#news.size > 0;
  }

  takeUp({ tool, definition, seenAt, shape: text }: StoredShape): void {
    const shape = readShape(text);
    if (shape === undefined) return;
    const kept = { ...knowledge(shape), text, seenAt, storedAt: seenAt };
    this.#lessons.set(tool, { ...newLesson(definition), ...kept });
    this.#isStale = true;
  }

  /** `value` is the tool's result as plain JSON; `now` in milliseconds since the Unix epoch. */
  add(tool: CatalogTool, value: unknown, now: number): void {
    const lesson = this.#lessonOf(tool);
    lesson.calls += 1;
    lesson.seenAt = now;
    if (lesson.callsWithoutNews < KNOWN_AFTER || lesson.calls % LOOKED_AT === 0)
      this.#learn(tool.id, lesson, value);
    if (lesson.text !== undefined && now - lesson.storedAt > STORED_AGAIN_MS) this.#news.add(tool.id);
  }

  #learn(tool: string, lesson: Lesson, value: unknown): void {
    const shape = observe(value, lesson.calls);
    const { told, text } = lesson;
    Object.assign(lesson, knowledge(lesson.shape === undefined ? shape : merge(lesson.shape, shape)));
    if (lesson.told !== told) this.#isStale = true;
    if (lesson.text !== text) this.#news.add(tool);
    const isNews = lesson.told !== told || lesson.text !== text;
    lesson.callsWithoutNews = isNews ? 0 : lesson.callsWithoutNews + 1;
  }

  /** Returns the new knowledge to store, and counts it as stored. */
  takeNews(): readonly StoredShape[] {
    const principal = this.#principal;
    const news = [...this.#news].flatMap((tool): readonly StoredShape[] => {
      const lesson = this.#lessons.get(tool);
      if (lesson?.text === undefined) return [];
      const { definition, seenAt, text: shape } = lesson;
      lesson.storedAt = seenAt;
      return [{ principal, tool, definition, seenAt, shape }];
    });
    this.#news.clear();
    return news;
  }

  /** The catalog with the current knowledge. A shape seen from another tool of the same name does not count. */
  view(catalog: Catalog, now: number): Catalog {
    const version = this.#versionAt(now);
    if (version.schemas.size === 0) return catalog;
    if (this.#view?.of !== catalog || this.#view.version !== version) {
      const observed = withObserved(catalog, (tool) => {
        const known = version.schemas.get(tool.id);
        return known?.definition === definitionOf(tool) ? known.schema : undefined;
      });
      this.#view = { of: catalog, version, catalog: observed };
    }
    return this.#view.catalog;
  }

  #versionAt(now: number): Version {
    if (!this.#isStale || Math.abs(now - this.#version.since) < VERSION_MS) return this.#version;
    this.#isStale = false;
    const told = [...this.#lessons]
      .flatMap(([tool, { definition, schema }]) =>
        schema === undefined ? [] : [[tool, { definition, schema }] as const],
      )
      .sort(([a], [b]) => compareBytes(a, b));
    const schemas = new Map(told);
    const text = JSON.stringify(told);
    if (text !== this.#version.text) this.#version = { since: now, schemas, text };
    return this.#version;
  }

  #lessonOf(tool: CatalogTool): Lesson {
    const definition = definitionOf(tool);
    const known = this.#lessons.get(tool.id);
    const lesson = known?.definition === definition ? known : newLesson(definition);
    this.#lessons.delete(tool.id);
    this.#lessons.set(tool.id, lesson);
    const [oldest] = this.#lessons.keys();
    if (this.#lessons.size > SHAPES_PER_PRINCIPAL && oldest !== undefined) this.#lessons.delete(oldest);
    return lesson;
  }
}

function newLesson(definition: string): Lesson {
  const nothing = { shape: undefined, schema: undefined, told: undefined, text: undefined };
  return { definition, ...nothing, calls: 0, callsWithoutNews: 0, seenAt: 0, storedAt: 0 };
}

function knowledge(shape: Shape): Pick<Lesson, "shape" | "schema" | "told" | "text"> {
  const schema = toSchema(shape);
  return { shape, schema, told: JSON.stringify(schema), text: writeShape(shape) };
}

const definitions = new WeakMap<object, string>();

/** A tool with other arguments is another tool, whose results may differ. */
function definitionOf({ inputSchema }: CatalogTool): string {
  if (typeof inputSchema === "boolean") return String(inputSchema);
  const known = definitions.get(inputSchema);
  if (known !== undefined) return known;
  const definition = createHash("sha256")
    .update(JSON.stringify(inputSchema))
    .digest("base64url")
    .slice(0, 16);
  definitions.set(inputSchema, definition);
  return definition;
}
