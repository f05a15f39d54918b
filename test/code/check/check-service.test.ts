/** Type-checking is a service: whatever a program's types do to the checker costs that program its check, and no more. */
import { readFileSync } from "node:fs";
import { stop } from "esbuild";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { type CheckLimits, CheckService, defaultCheckLimits } from "../../../src/code/check/check-service.ts";
import type { CheckedProgram, TypeChecker } from "../../../src/code/check/checked.ts";
import { DeclarationStore } from "../../../src/code/check/declaration-store.ts";
import { groupMemoryBytes } from "../../../src/code/check/group-usage.ts";
import { CheckerBroken, startTypeChecker } from "../../../src/code/check/type-checker.ts";
import { compileProgram } from "../../../src/code/compile-program.ts";
import { schemaType } from "../../../src/code/declare/json-schema-to-ts.ts";
import type { CompilerProcess } from "../../../src/code/process/compiler-process.ts";
import { cpuMs } from "../../escape/helpers/processes.ts";
import { until } from "../../helpers/until.ts";
import { checkWith, declarations, declare, openChecked, said } from "../helpers/checked.ts";
import { groupMembers } from "../helpers/process-groups.ts";

afterAll(() => stop());

let compiler: CompilerProcess | undefined;
afterEach(async () => {
  await compiler?.[Symbol.asyncDispose]();
  compiler = undefined;
});

async function open(options: Parameters<typeof openChecked>[0] = {}): Promise<CompilerProcess> {
  compiler = await openChecked({ deadlineMs: 20_000, ...options });
  return compiler;
}

/** The type checkers in a compiler's group. */
function checkersOf(compiler: CompilerProcess): readonly number[] {
  return groupMembers(compiler.stats().pid ?? 0).filter((pid) => commandOf(pid).includes("--api"));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

const services: TypeChecker[] = [];
afterEach(() => {
  for (const checker of services.splice(0)) checker.kill();
});

const types = async (): Promise<typeof declarations> => declarations;

/** A service in this process, with the checkers it started. */
function openService(limits: Partial<CheckLimits>): {
  readonly service: CheckService;
  readonly started: readonly TypeChecker[];
} {
  const service = new CheckService({ ...defaultCheckLimits, ...limits }, expect.unreachable, async () => {
    const checker = await startTypeChecker();
    services.push(checker);
    return checker;
  });
  return { service, started: services };
}

const BAD = "return await github.list_isues({})";
const NUMBERS = Array.from({ length: 15 }, (_, n) => n).join(", ");
const digits = "type D = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;";

/** Types that keep a checker busy for seconds, or for ever. */
const bombs: { readonly [what: string]: string } = {
  "a recursive conditional type":
    "type R<N, A extends unknown[] = []> = A['length'] extends N ? A : R<N, [...A, 1]>;\nconst x: R<999> = 1 as any;\nreturn 1",
  "the subsets of a tuple": `type S<T extends unknown[]> = T extends [infer H, ...infer R] ? S<R> | [H, ...S<R>] : [];\nconst x: S<[${NUMBERS}, 15]> = [1] as any;\nconst y: S<['a', ${NUMBERS}]> = x;\nreturn 1`,
  "the permutations of a union":
    "type P<T, K = T> = [T] extends [never] ? [] : K extends K ? [K, ...P<Exclude<T, K>>] : never;\nconst x: P<1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10> = [] as any;\nreturn 1",
  "a union multiplied with itself": `${digits}\ntype N = \`\${D}\${D}\${D}\`;\ntype C<A, B> = A extends unknown ? (B extends unknown ? [A, B] : never) : never;\nconst x: C<N, N> = 1 as any;\nconst y: C<N, N>[0] = x[0];\nreturn 1`,
  "templates compared with templates": `${digits}\ntype A = \`\${D}\${D}\${D}\${D}\`;\ntype B = \`\${A}-\${string}\`;\ntype C = { [K in A]: \`\${string}-\${K}\` }[A];\nconst z: B = 1 as any as C;\nconst w: C = z;\nreturn 1`,
};
const [bomb = ""] = Object.values(bombs);

describe("types that keep the checker busy", () => {
  it.each(Object.entries(bombs))(
    "%s: the program runs unchecked, says so, and the next one is checked",
    async (_what, code) => {
      const check = checkWith(await open({ check: { deadlineMs: 400 } }));
      const outcome = await check(code);
      expect(outcome).toMatchObject({ ok: true });
      expect(said(outcome).join("\n")).toMatch(/^note - at 1:1: Not type-checked: /m);
      await until("the next program is checked", async () => {
        const next = await check(`${BAD} // ${Math.random()}`);
        return !next.ok && next.code === "type_error";
      });
    },
  );

  it("cost those beside it nothing: they are checked once more", async () => {
    const check = checkWith(await open({ check: { deadlineMs: 3_000 } }));
    await check(BAD);
    const stalled = check(bomb);
    const beside = await Promise.all(
      ["a", "b", "c"].map((name) => check(`return await github.${name}_isues({})`)),
    );
    expect(beside.map((outcome) => !outcome.ok && outcome.code)).toEqual([
      "type_error",
      "type_error",
      "type_error",
    ]);
    expect(await stalled).toMatchObject({ ok: true });
  });

  it("that outgrow the whole compiler before its checker is looked at: the program runs unchecked, and says so", async () => {
    const check = checkWith(await open({ check: { deadlineMs: 20_000, memoryBytes: 4 * 1024 ** 3 } }));
    const outcome = await check(bomb);
    expect(outcome).toMatchObject({ ok: true });
    expect(said(outcome).join("\n")).toContain("Not type-checked: its types took too much memory.");
    await until("the next program is checked", async () => !(await check(`${BAD} // ${Math.random()}`)).ok);
  });

  it("have the compiler replaced when it stands still over them, and are tried once more", async () => {
    // An idle machine fills the usual memory before the time is over.
    const memoryBytes = 4 * 1024 ** 3;
    const compiler = await open({ stallMs: 1_500, memoryBytes, check: { deadlineMs: 500, memoryBytes } });
    const check = checkWith(compiler);
    await check(BAD);
    const [checker = 0] = checkersOf(compiler);
    const usedBefore = cpuMs(checker);
    const stalled = check(bomb);
    await until("it is being checked", () => cpuMs(checker) - usedBefore >= 50);
    process.kill(compiler.stats().pid ?? 0, "SIGSTOP");
    expect(await stalled).toMatchObject({ ok: true });
    expect(compiler.stats().replacements).toBe(1);
  });

  it("and those who were in it when it was stopped are checked by its successor", async () => {
    // An idle machine fills the usual memory before it is half through the time.
    const { service, started } = openService({ deadlineMs: 1_000, memoryBytes: 4 * 1024 ** 3 });
    const codesOf = ({ faults }: CheckedProgram): readonly number[] => faults.map(({ code }) => code);
    await service.check(types, "return 1", async (checked) => codesOf(checked));
    const checker = started[0]?.pid ?? 0;
    const usedBefore = cpuMs(checker);
    const since = performance.now();
    const usedMs = (): number => Math.min(performance.now() - since, cpuMs(checker) - usedBefore);
    const stalled = service.check(types, bomb, async (checked) => codesOf(checked));
    await until("the other is half through its time", () => usedMs() > 600);
    let attempts = 0;
    const innocent = service.check(types, "return nothing", async (checked) => {
      attempts += 1;
      if (attempts === 1) await stalled;
      return codesOf(checked);
    });
    expect(await stalled).toEqual({ checked: false, unchecked: { why: "late", deadlineMs: 1_000 } });
    expect(await innocent).toEqual({ checked: true, value: [2304] });
    expect({ attempts, started: started.length }).toEqual({ attempts: 2, started: 2 });
  });
});

describe("types that take memory", () => {
  it("end the check and not the compiler", async () => {
    const compiler = await open({ check: { deadlineMs: 30_000, memoryBytes: 100 * 1024 * 1024 } });
    const check = checkWith(compiler);
    const outcome = await check(bomb);
    expect(outcome).toMatchObject({ ok: true });
    expect(said(outcome)).toContainEqual(
      "note - at 1:1: Not type-checked: its types took too much memory. Plainer ones take less.",
    );
    expect(await check(BAD)).toMatchObject({ code: "type_error" });
    expect(compiler.stats().replacements).toBe(0);
  });

  it("and are not kept: a checker that has grown is replaced once it is idle", async () => {
    const compiler = await open({ check: { restingBytes: 1 } });
    const check = checkWith(compiler);
    await check("return 1");
    const pids = new Set<number>();
    for (const n of [1, 2, 3]) {
      expect(await check(`${BAD} // ${n}`)).toMatchObject({ code: "type_error" });
      await until("the used one is gone", () => checkersOf(compiler).every((pid) => !pids.has(pid)));
    }
    expect(checkersOf(compiler).length).toBeLessThanOrEqual(1);
  });
});

describe("many tool sets", () => {
  it("are each checked against their own declarations, in checkers that are replaced in time", async () => {
    const compiler = await open({ check: { toolSets: 3 } });
    const check = checkWith(compiler);
    const seen = new Set<number>();
    for (const n of [0, 1, 2, 3, 4, 5, 6, 0, 1]) {
      const own = declare(declarations.text.replace("list_issues(args", `list_issues_${n}(args`));
      const call = `list_issues_${n}({ owner: 'o', repo: 'r' })`;
      const good = await check(`return await github.${call} // ${seen.size}`, "error", own);
      expect(good.ok, said(good).join()).toBe(true);
      expect(await check(`return await github.list_issues_9({}) // ${n}`, "error", own)).toMatchObject({
        code: "type_error",
        message: expect.stringContaining(`list_issues_${n}`),
      });
      for (const pid of checkersOf(compiler)) seen.add(pid);
    }
    expect(seen.size).toBeGreaterThan(1);
    await until("one checker is left", () => checkersOf(compiler).length <= 1);
  });
});

describe("a checker that dies", () => {
  it("is replaced, and the next program is checked", async () => {
    const compiler = await open();
    const check = checkWith(compiler);
    await check("return 1");
    const [pid = 0] = checkersOf(compiler);
    process.kill(pid, "SIGKILL");
    await until("it is gone", () => !checkersOf(compiler).includes(pid));
    expect(await check(BAD)).toMatchObject({ code: "type_error" });
    expect(compiler.stats().replacements).toBe(0);
  });

  it("in the middle of a check has it done once more", async () => {
    const compiler = await open({ check: { deadlineMs: 1_500 } });
    const check = checkWith(compiler);
    await check("return 1");
    const [pid = 0] = checkersOf(compiler);
    const stalled = check(bomb);
    process.kill(pid, "SIGKILL");
    expect(await check(BAD)).toMatchObject({ code: "type_error" });
    expect(said(await stalled)).toEqual([expect.stringMatching(/^note - at 1:1: Not type-checked/)]);
    expect(compiler.stats().replacements).toBe(0);
  });

  it("answers what it was asked: nothing waits for a process that is gone", async () => {
    const checker = await startTypeChecker();
    const atRest = groupMemoryBytes(checker.pid);
    const stalled = expect(checker.check(declarations, bomb)).rejects.toBeInstanceOf(CheckerBroken);
    await until("it is at work", () => groupMemoryBytes(checker.pid) > atRest + 20_000_000);
    checker.kill();
    await stalled;
    await expect(checker.check(declarations, "return 1")).rejects.toBeInstanceOf(CheckerBroken);
  });

  it("twice during the same check leaves that program unchecked", async () => {
    const { service, started } = openService({});
    let attempts = 0;
    const doomed = await service.check(types, "return 1", () => {
      attempts += 1;
      started.at(-1)?.kill();
      return new Promise<never>(() => undefined);
    });
    expect(doomed).toEqual({ checked: false, unchecked: { why: "interrupted" } });
    expect(attempts).toBe(2);
  });

  it("with its compiler leaves nothing behind", async () => {
    const compiler = await open();
    await checkWith(compiler)("return 1");
    const [checker = 0] = checkersOf(compiler);
    expect(checker).toBeGreaterThan(0);
    await compiler[Symbol.asyncDispose]();
    await until("it is gone", () => commandOf(checker) === "");
  });
});

describe("declarations that could keep the checker busy", () => {
  const branches = (name: string): object[] =>
    Array.from({ length: 45 }, (_, n) => ({
      type: "object",
      properties: { [name]: { const: n }, [`${name}${n}`]: { type: "string" } },
      required: [name],
    }));
  const nested = (name: string): object => ({
    type: "object",
    properties: { at: { anyOf: branches(name) } },
  });
  const schemas: { readonly [what: string]: object } = {
    "unions that are multiplied": { allOf: ["a", "b", "c"].map((name) => ({ anyOf: branches(name) })) },
    "unions behind references": {
      $defs: { a: { anyOf: branches("a") }, b: { oneOf: branches("b") }, c: { anyOf: branches("c") } },
      allOf: ["a", "b", "c"].map((name) => ({ $ref: `#/$defs/${name}` })),
    },
    "unions under the same property": { allOf: ["a", "b", "c"].map(nested) },
    "branches multiplied with branches": {
      anyOf: branches("a"),
      oneOf: branches("b"),
      allOf: [{ anyOf: branches("c") }],
    },
  };

  it.each(Object.entries(schemas))("%s are widened: programs are checked", async (_what, schema) => {
    const { text, named } = schemaType(schema, "input");
    const type = text.replace(/\0(\d+)\0/g, "T$1");
    const types = named.map((each, n) => `type T${n} = ${each.text.replace(/\0(\d+)\0/g, "T$1")};`);
    const tool = declare(
      `${declarations.text}\n${types.join("\n")}\ndeclare function t(args: ${type}): Promise<any>;`,
    );
    const check = checkWith(await open({ check: { deadlineMs: 1_000 } }));
    const outcome = await check(
      "return await t({ a: 1, b: 2, at: { a: 3, b: 1 } }) + github.nope",
      "error",
      tool,
    );
    expect(outcome).toMatchObject({ ok: false, code: "type_error" });
  });
});

describe("a checker that cannot be had", () => {
  it("because its first start was ended by chance is started once more", async () => {
    let starts = 0;
    const service = new CheckService(defaultCheckLimits, expect.unreachable, async () => {
      starts += 1;
      if (starts === 1) throw new Error("out of memory");
      const checker = await startTypeChecker();
      services.push(checker);
      return checker;
    });
    expect(await service.check(types, "return 1", async ({ faults }) => faults)).toEqual({
      checked: true,
      value: [],
    });
    expect(starts).toBe(2);
  });

  it("lets programs run, with a visible warning, and is tried again later", async () => {
    const reasons: string[] = [];
    const service = new CheckService(
      defaultCheckLimits,
      (reason) => reasons.push(reason),
      () => Promise.reject(new Error("no type checker for this platform")),
    );
    const store = new DeclarationStore((hash) => store.put(hash, declarations.text));
    const compile = (code: string): ReturnType<typeof compileProgram> =>
      compileProgram(
        {
          ...{ code, sourceBytes: 1_000, globals: ["github"] },
          check: { mode: "error", types: { all: declarations.hash, promised: null } },
        },
        { service, declarations: store },
      );
    const { outcome, lasting } = await compile(BAD);
    expect(outcome).toMatchObject({ ok: true });
    expect(said(outcome)).toEqual([
      "warning - at 1:1: Not type-checked: the type checker does not run here. The operator's log has the reason.",
    ]);
    expect(lasting).toBe(false);
    await compile("return 2");
    expect(reasons).toEqual(["no type checker for this platform"]);
    // What needs no types is refused all the same.
    expect((await compile("return fetch('x')")).outcome).toMatchObject({ code: "type_error" });
  });
});

describe("more programs than can be checked", () => {
  it("are compiled without a check, say so, and are checked when there is time", async () => {
    const check = checkWith(await open());
    const codes = Array.from({ length: 80 }, (_, n) => `return await github.list_isues({ n: ${n} })`);
    const outcomes = await Promise.all(codes.map((code) => check(code)));
    const unchecked = outcomes.filter(({ ok }) => ok);
    expect(unchecked.length).toBeGreaterThan(0);
    expect(unchecked.length).toBeLessThan(codes.length);
    for (const outcome of unchecked)
      expect(said(outcome)).toEqual([
        "note - at 1:1: Not type-checked: too many programs are being compiled right now.",
      ]);
    const [first = ""] = codes.filter((_, n) => outcomes[n]?.ok);
    expect(await check(first)).toMatchObject({ code: "type_error" });
  });
});
