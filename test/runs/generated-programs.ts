/**
 * Asynchronous programs of every shape, written from a seed. They call `read`, `put` and `write` with their input, a
 * number that is never used twice and a digest of all that happened before: a step out of order asks for something else.
 */
import { createRandom, type Random } from "../helpers/random.ts";

export const generatedTools = ["read", "put", "write"] as const;

/** Every program begins like this; `note` is its only state. */
const PRELUDE = `
const out = [];
let digest = 7;
let k = 0;
const note = (what) => {
  const text = typeof what === "string" ? what : (JSON.stringify(what) ?? "nothing");
  for (let i = 0; i < text.length; i++) digest = (Math.imul(digest, 31) + text.charCodeAt(i)) | 0;
  return digest;
};
const ask = (tool, more) => tool({ program: input, k: ++k, d: digest, ...more });
const failed = (error) => { note(error.name + ": " + error.message); return error.kind ?? error.name; };
const mutex = () => {
  let last = Promise.resolve();
  return (act) => { const mine = last.then(act, act); last = mine.catch(() => {}); return mine; };
};
const lock = mutex();
const within = async (promise, ms) => {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error("late")), ms); });
  try { return await Promise.race([promise, late]); } finally { clearTimeout(timer); }
};`;

/** The body of an async function that returns everything it noticed. Finishes whatever its tools answer. */
export function generateProgram(seed: number): string {
  const writer = new Writer(createRandom(seed));
  const statements = Array.from({ length: 2 + writer.random.below(3) }, () => writer.statement(2));
  return [PRELUDE, ...statements, writer.ending()].join("\n");
}

class Writer {
  readonly random: Random;
  #names = 0;

  constructor(random: Random) {
    this.random = random;
  }

  statement(depth: number): string {
    if (depth === 0) return this.#step();
    const shapes: readonly (() => string)[] = [
      () => this.#step(),
      () => this.#step(),
      () => this.#together(depth),
      () => this.#together(depth),
      () => this.#nested(depth),
      () => this.#generator(),
      () => this.#timer(),
      () => this.#floating(),
      () => this.#guarded(depth),
      () => this.#branch(depth),
      () => this.#print(),
    ];
    return shapes[this.random.below(shapes.length)]?.() ?? "";
  }

  ending(): string {
    const word = this.random.pick(["digest", "digest", "digest", "crypto.randomUUID()", "Date.now() % 1000"]);
    if (this.random.chance(0.05)) return `throw new Error("the end " + digest);`;
    return `return { out, digest: ${word}, k };`;
  }

  /** An expression that is a promise. */
  #promise(depth: number): string {
    const { random } = this;
    const shapes: readonly (() => string)[] = [
      () => this.#call(),
      () => this.#call(),
      () => this.#call(),
      () => `sleep(${this.#delay()}).then(() => note("slept"))`,
      () => `${this.#call()}.then((value) => ${this.#call("v: note(value)")})`,
      () => `${this.#call()}.catch(failed).finally(() => note("finally"))`,
      () => `lock(async () => { const value = await ${this.#call()}; note(value); return value; })`,
      () => `(async () => await { then(yes, no) { ${this.#call()}.then(yes, no); } })()`,
      () => `within(${this.#call()}, ${this.#delay()})`,
      () =>
        depth > 0 ? `(async () => { ${this.statement(depth - 1)} return note("inner"); })()` : this.#call(),
    ];
    return shapes[random.below(shapes.length)]?.() ?? "";
  }

  #call(more = ""): string {
    return `ask(${this.random.pick(generatedTools)}${more === "" ? "" : `, { ${more} }`})`;
  }

  #delay(): number {
    return this.random.below(7);
  }

  #name(): string {
    this.#names += 1;
    return `f${this.#names}`;
  }

  /** Catches, so that the program goes on with what failed. */
  #caught(act: string, last = ""): string {
    const end = last === "" ? "" : ` finally { ${last} }`;
    return `try { ${act} } catch (error) { out.push(failed(error)); }${end}`;
  }

  #step(): string {
    return this.#caught(`const value = await ${this.#promise(0)}; out.push(note(value));`);
  }

  #together(depth: number): string {
    const how = this.random.pick(["all", "race", "any", "allSettled"]);
    const members = Array.from({ length: 2 + this.random.below(2) }, () => this.#promise(depth - 1));
    return this.#caught(`out.push(note(await Promise.${how}([${members.join(", ")}])));`);
  }

  #nested(depth: number): string {
    const name = this.#name();
    const again = this.random.chance(0.5) ? `await ${name}(left - 1);` : "";
    const body = `if (left < 1) return; note(await ${this.#promise(depth - 1)}); ${again}`;
    return `const ${name} = async (left) => { ${body} };\n${this.#caught(`await ${name}(2);`)}`;
  }

  #generator(): string {
    const name = this.#name();
    const yields = `try { for (let i = 0; i < 3; i++) yield await ${this.#call("i")}; } finally { note("closed"); }`;
    const early = this.random.chance(0.7) ? "if (digest % 2 === 0) break;" : "";
    const loop = `for await (const value of ${name}()) { out.push(note(value)); ${early} }`;
    return `async function* ${name}() { ${yields} }\n${this.#caught(loop)}`;
  }

  #timer(): string {
    const clears = this.random.chance(0.4);
    const then = this.random.chance(0.5) ? `${this.#call()}.then(note, failed);` : "";
    const name = this.#name();
    const armed = `const ${name} = setTimeout((word) => { note(word); ${then} }, ${this.#delay()}, "rang");`;
    return clears ? `${armed}\n${this.#step()}\nclearTimeout(${name});` : armed;
  }

  #floating(): string {
    const handled = this.random.chance(0.8) ? ".then(note, failed)" : ".then(note)";
    return `void ${this.#call()}${handled};`;
  }

  #guarded(depth: number): string {
    const thrown = this.random.chance(0.3) ? `throw new RangeError("thrown " + digest);` : "";
    return this.#caught(`${this.statement(depth - 1)} ${thrown}`, `note("left");`);
  }

  #branch(depth: number): string {
    const question = this.random.pick([
      "Math.random() < 0.5",
      "Date.now() % 3 === 0",
      "digest % 2 === 0",
      "out.length > 1",
      "new Date().getMilliseconds() > 500",
    ]);
    return `if (${question}) { ${this.statement(depth - 1)} } else { ${this.#step()} }`;
  }

  #print(): string {
    return this.random.pick([
      `console.log("at", digest, out.length);`,
      `console.warn({ digest, last: out.at(-1) });`,
      `console.debug(new Date().toISOString(), crypto.randomUUID());`,
    ]);
  }
}

/** What a tool answers: a function of its arguments, so that every execution gets the same. One in eight fails. */
export function answerOf(tool: string, args: string): { readonly ok: boolean; readonly text: string } {
  let hash = 17;
  for (const char of `${tool}${args}`) hash = (Math.imul(hash, 33) + char.charCodeAt(0)) | 0;
  const random = createRandom(hash);
  if (random.chance(0.125)) return { ok: false, text: `no ${random.below(10)}` };
  const value = random.pick<unknown>([
    random.below(100),
    `text ${random.below(100)}`,
    { id: random.below(9), tags: ["a"] },
    [],
    null,
  ]);
  return { ok: true, text: JSON.stringify(value) };
}
