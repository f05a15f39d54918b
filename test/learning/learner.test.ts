import { describe, expect, it, onTestFinished } from "vitest";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import { createLearner, type Learner } from "../../src/learning/learner.ts";
import { createLog } from "../../src/log.ts";
import { openSqliteStore } from "../../src/store/sqlite/sqlite.ts";
import { SHAPES_PER_PRINCIPAL, type Store, type StoredShape } from "../../src/store/store.ts";
import { buildCatalog, type Catalog, type CatalogTool } from "../../src/tools/catalog.ts";
import type { JsonSchema } from "../../src/tools/tool-source.ts";
import { source } from "../code/helpers/tools.ts";
import { until } from "../helpers/until.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

function catalogOf(input: JsonSchema = { type: "object" }): Catalog {
  const tools = [source("get", input), source("put", input)];
  const promised = source("promised", input, { outputSchema: { type: "string" } });
  return buildCatalog([{ server: "s", tools: [...tools, promised] }], { readOnly: [], idempotent: [] });
}

const catalog = catalogOf();

interface Lab {
  readonly store: Store;
  readonly learner: Learner;
  /** Gives results of a tool, and waits until they were looked at. */
  teach(
    results: readonly unknown[],
    options?: { tool?: string; principal?: string; of?: Catalog },
  ): Promise<void>;
  /** What a tool was seen to give. */
  seen(options?: { tool?: string; principal?: string; of?: Catalog }): JsonSchema | undefined;
  /** Another learner over the same store, after this one. */
  again(): Promise<Lab>;
  pass(ms: number): void;
}

async function open(store?: Store, start = DAY): Promise<Lab> {
  const kept = store ?? (await openSqliteStore({ path: ":memory:", log: createLog("silent") }));
  let now = start;
  const learner = await createLearner({ store: kept, log: createLog("silent"), now: () => now });
  onTestFinished(async () => {
    await learner[Symbol.asyncDispose]();
    await kept[Symbol.asyncDispose]();
  });
  return {
    store: kept,
    learner,
    async teach(results, { tool = "s/get", principal = "ann", of = catalog } = {}) {
      for (const result of results) {
        const { watched, wasRead } = watch(result);
        learner.learn(principal, toolOf(of, tool), watched, 10);
        await until("it was looked at", wasRead);
      }
    },
    seen({ tool = "s/get", principal = "ann", of = catalog } = {}) {
      return toolOf(learner.view(of, principal), tool).observedSchema;
    },
    async again() {
      await learner[Symbol.asyncDispose]();
      return await open(kept, now);
    },
    pass(ms) {
      now += ms;
    },
  };
}

function toolOf(of: Catalog, id: string) {
  const tool = of.byId(id);
  if (tool === undefined) throw new Error(`there is no ${id}`);
  return tool;
}

/** A result that tells whether anybody looked into it. */
function watch(value: unknown): { readonly watched: unknown; readonly wasRead: () => boolean } {
  let read = false;
  const watched = {
    get value() {
      read = true;
      return value;
    },
  };
  return { watched, wasRead: () => read };
}

const thrice = (value: unknown): readonly unknown[] => [value, value, value];
const valueType = (type: string): object => ({ properties: { value: { type: [type] } } });

describe("a learner", () => {
  it("tells principals and tools apart, and learns nothing of a tool that says what it gives", async () => {
    const { teach, seen, learner } = await open();
    await teach(thrice(1));
    await teach(thrice("x"), { principal: "bob" });
    expect(seen()).toMatchObject(valueType("number"));
    expect(seen({ principal: "bob" })).toMatchObject(valueType("string"));
    expect(seen({ tool: "s/put" })).toBeUndefined();
    expect(learner.view(catalog, "eve")).toBe(catalog);
    const { watched, wasRead } = watch(1);
    learner.learn("ann", toolOf(catalog, "s/promised"), watched, 10);
    await teach([2]);
    expect(wasRead()).toBe(false);
  });

  it("learns text that came in the place of what was promised, and the declared type says so", async () => {
    const { learner } = await open();
    const row = { type: "object", properties: { id: { type: "integer" } }, required: ["id"] };
    const tools = [source("row", { type: "object" }, { outputSchema: row })];
    const of = buildCatalog([{ server: "s", tools }], { readOnly: [], idempotent: [] });
    for (const text of ["a", "b", "c"]) learner.learn("ann", toolOf(of, "s/row"), `no row ${text}`, 8);
    const declared = (): string => renderDeclarations(learner.view(of, "ann").tools);
    await until("it was learned", () => declared() !== renderDeclarations(of.tools));
    expect(declared()).toMatch(/any;\n *\} \| \/\* observed \*\/ string>;/);
    expect(renderDeclarations(of.tools)).not.toContain("observed");
  });

  it("shows what it learned at most once a minute, and the same catalog in between", async () => {
    const { teach, learner, pass } = await open();
    const version = (): string => learner.view(catalog, "ann").version;
    await teach(thrice(1));
    const first = learner.view(catalog, "ann");
    expect(first.version).not.toBe(catalog.version);
    await teach(thrice("x"));
    pass(MINUTE - 1);
    expect(learner.view(catalog, "ann")).toBe(first);
    pass(1);
    const second = version();
    expect(second).not.toBe(first.version);
    await teach(thrice(true));
    expect(version()).toBe(second);
    pass(MINUTE);
    expect(version()).not.toBe(second);
  });

  it("tells what stands under keys that change, and when that does", async () => {
    const { teach, seen, pass } = await open();
    const userOf = (n: number, age: unknown): object => ({ [`user_${n}`]: age });
    const users = (type: readonly string[]): object => ({
      properties: { value: { type: ["object"], additionalProperties: { type } } },
    });
    await teach([1, 2, 3].map((n) => userOf(n, n)));
    expect(seen()).toMatchObject(users(["number"]));
    await teach([userOf(4, "old")]);
    pass(MINUTE);
    expect(seen()).toMatchObject(users(["string", "number"]));
  });

  it("waits for no minute to pass when nothing changed for long", async () => {
    const { teach, seen, learner, pass } = await open();
    await teach([1, 2]);
    expect(learner.view(catalog, "ann")).toBe(catalog);
    pass(1);
    await teach([3]);
    expect(seen()).toMatchObject(valueType("number"));
  });

  it("begins anew with a tool that takes other arguments, and shows it nothing of the old one", async () => {
    const { teach, seen, pass } = await open();
    const changed = catalogOf({ type: "object", properties: { other: {} } });
    await teach(thrice(1));
    expect(seen()).toBeDefined();
    expect(seen({ of: changed })).toBeUndefined();
    await teach(thrice("x"), { of: changed });
    pass(MINUTE);
    expect(seen({ of: changed })).toMatchObject(valueType("string"));
  });

  it("looks at few results of a tool it knows, and sees a change all the same", async () => {
    const { teach, seen, learner, pass } = await open();
    await teach(Array.from({ length: 23 }, () => 1));
    const later = Array.from({ length: 20 }, () => watch("x"));
    for (const { watched } of later) learner.learn("ann", toolOf(catalog, "s/get"), watched, 10);
    await until("the last one was looked at", () => later.at(-1)?.wasRead());
    // The 30th result in all is the next; what it shows is news, and so all that follow are looked at.
    expect(later.map(({ wasRead }) => wasRead()).indexOf(true)).toBe(6);
    expect(later.slice(6).every(({ wasRead }) => wasRead())).toBe(true);
    pass(MINUTE);
    expect(seen()).toMatchObject({ properties: { value: { type: ["string", "number"] } } });
  });

  it("lets results go that are too large together", async () => {
    const { learner } = await open();
    const results = Array.from({ length: 5 }, () => watch(1));
    for (const { watched } of results)
      learner.learn("ann", toolOf(catalog, "s/get"), watched, 4 * 1024 * 1024);
    const { watched, wasRead } = watch(1);
    await until("those that waited were looked at", () => results[3]?.wasRead());
    learner.learn("ann", toolOf(catalog, "s/get"), watched, 16 * 1024 * 1024);
    await until("the next was looked at", wasRead);
    expect(results.map((result) => result.wasRead())).toEqual([true, true, true, true, false]);
  });

  it("lets results go when too many come at once", async () => {
    const { learner } = await open();
    const results = Array.from({ length: 300 }, (_, n) => ({ n, ...watch(1) }));
    for (const { n, watched } of results) learner.learn(`p${n}`, toolOf(catalog, "s/get"), watched, 10);
    await until("those that waited were looked at", () => results[255]?.wasRead());
    await nextTurn();
    expect(results.filter(({ wasRead }) => wasRead())).toHaveLength(256);
  });
});

describe("what a learner holds in memory", () => {
  const results = async (learner: Learner, tools: readonly CatalogTool[], principals: readonly string[]) => {
    for (const principal of principals)
      for (const tool of tools) {
        const last = watch(1);
        for (const value of [{ value: 1 }, { value: 1 }, last.watched])
          learner.learn(principal, tool, value, 10);
        while (!last.wasRead()) await nextTurn();
      }
  };

  it("is what was used last of a principal's tools", async () => {
    const { learner } = await open();
    const names = Array.from({ length: SHAPES_PER_PRINCIPAL + 1 }, (_, n) => `t${n}`);
    const tools = names.map((name) => source(name, true));
    const large = buildCatalog([{ server: "s", tools }], { readOnly: [], idempotent: [] });
    await results(
      learner,
      names.map((name) => toolOf(large, `s/${name}`)),
      ["ann"],
    );
    const seen = learner
      .view(large, "ann")
      .tools.filter(({ observedSchema }) => observedSchema !== undefined);
    expect(seen).toHaveLength(SHAPES_PER_PRINCIPAL);
    expect(seen.map(({ name }) => name)).not.toContain("t0");
  });

  it("is that of a thousand principals", async () => {
    const { learner } = await open();
    const principals = Array.from({ length: 1_001 }, (_, n) => `p${n}`);
    await results(learner, [toolOf(catalog, "s/get")], principals);
    expect(learner.view(catalog, "p0")).toBe(catalog);
    expect(learner.view(catalog, "p1")).not.toBe(catalog);
    expect(learner.view(catalog, "p1000")).not.toBe(catalog);
  });

  it("is gathered a little at a time, so that calls go on", async () => {
    const { learner } = await open();
    let read = 0;
    const slow = {
      get value() {
        read += 1;
        const until = performance.now() + 3;
        while (performance.now() < until);
        return 1;
      },
    };
    for (let n = 0; n < 10; n += 1) learner.learn("ann", toolOf(catalog, "s/get"), slow, 10);
    expect(read).toBe(0);
    await nextTurn();
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(10);
  });
});

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("what a learner keeps", () => {
  const shapes = (store: Store): Promise<readonly StoredShape[]> => store.readShapes();

  it("is there at once in the next process, which goes on from it", async () => {
    const first = await open();
    await first.teach(thrice(1));
    const second = await first.again();
    expect(second.seen()).toMatchObject(valueType("number"));
    await second.teach(thrice("x"));
    second.pass(MINUTE);
    expect(second.seen()).toMatchObject({ properties: { value: { type: ["string", "number"] } } });
  });

  it("is written when it is closed, what waited among it; without three calls it is nothing", async () => {
    const { store, learner } = await open();
    const [get, put] = [toolOf(catalog, "s/get"), toolOf(catalog, "s/put")];
    for (const value of thrice("SECRET")) learner.learn("ann", get, { value }, 10);
    for (const value of [1, 2]) learner.learn("ann", put, { value }, 10);
    await learner[Symbol.asyncDispose]();
    const stored = await shapes(store);
    expect(stored).toMatchObject([{ principal: "ann", tool: "s/get", seenAt: DAY }]);
    expect(JSON.stringify(stored)).not.toContain("SECRET");
  });

  it("is no more once it is closed", async () => {
    const { learner, store } = await open();
    await learner[Symbol.asyncDispose]();
    const { watched, wasRead } = watch(1);
    learner.learn("ann", toolOf(catalog, "s/get"), watched, 10);
    await nextTurn();
    expect(wasRead()).toBe(false);
    expect(await shapes(store)).toEqual([]);
  });

  it("is written again after a day of use, so that only what is not used is removed", async () => {
    const first = await open();
    await first.teach(thrice(1));
    const second = await first.again();
    second.pass(DAY + 1);
    await second.teach([1]);
    const third = await second.again();
    expect(await shapes(third.store)).toMatchObject([{ seenAt: 2 * DAY + 1 }]);
    await third.store.deleteShapesBefore(2 * DAY);
    expect(await shapes(third.store)).toHaveLength(1);
  });

  it("does not matter when it is damaged, or cannot be written", async () => {
    const { store } = await open();
    const row = { principal: "ann", tool: "s/get", definition: "x", seenAt: 1, shape: "{" };
    await store.putShapes([row]);
    const failing = {
      readShapes: () => store.readShapes(),
      putShapes: () => Promise.reject(new Error("the disk is full")),
    };
    const learner = await createLearner({ store: failing, log: createLog("silent") });
    for (const value of thrice(1)) learner.learn("ann", toolOf(catalog, "s/get"), { value }, 10);
    await until("it was learned", () => learner.view(catalog, "ann") !== catalog);
    await learner[Symbol.asyncDispose]();
    expect(await shapes(store)).toEqual([row]);
  });
});
