/**
 * Puts the code of `sandbox/guest/` into an isolate: hardening first, then the parts, then the prelude over them. The
 * first isolate of a process compiles it and plays the rehearsal. The code compiled by then, function by function, is
 * handed to all later isolates, which start in half the time.
 */
import ivm from "isolated-vm";
import { defaultLimits } from "../limits.ts";
import { type GuestScripts, installParts } from "./guest-scripts.ts";

/** Calls the prelude's `enter(kind, n, at, text, program)`. */
export type EnterGuest = ivm.Reference;

export interface GuestCode {
  /** Makes an isolate ready for its program. `post` receives the guest's posts from then on. */
  install(
    isolate: ivm.Isolate,
    context: ivm.Context,
    post: (text: string, last: boolean) => void,
  ): EnterGuest;
}

export function createGuestCode(scripts: GuestScripts): GuestCode {
  const compiled = new Map<keyof GuestScripts, ivm.ExternalCopy<ArrayBuffer>>();

  const load = (isolate: ivm.Isolate, context: ivm.Context, name: keyof GuestScripts): ivm.Reference => {
    const cachedData = compiled.get(name);
    const options: ivm.ScriptInfo = { filename: name, ...(cachedData === undefined ? {} : { cachedData }) };
    return isolate
      .compileScriptSync(scripts[name], options)
      .runSync(context, { reference: true, release: true });
  };

  return {
    install(isolate, context, post) {
      const part = (name: keyof GuestScripts, ...given: ivm.Reference[]): ivm.Reference =>
        load(isolate, context, name).applySync(
          undefined,
          given.map((each) => each.derefInto()),
          { result: { reference: true } },
        );
      const parts = installParts(part);
      const bridge = new ivm.Callback(post, { ignored: true });
      const enterGuest: EnterGuest = load(isolate, context, "prelude").applySync(
        undefined,
        [bridge, ...parts.map((each) => each.derefInto())],
        { result: { reference: true } },
      );
      const program = isolate
        .compileScriptSync(REHEARSAL, { filename: "rehearsal.js" })
        .runSync(context, { reference: true, release: true });
      for (const entry of rehearsal) enterGuest.applySync(undefined, [...entry, program.derefInto()]);
      program.release();
      if (compiled.size === 0) keepCompiled(isolate, scripts, compiled);
      return enterGuest;
    },
  };
}

/**
 * Compiling a text again returns the isolate's compiled code, including functions compiled at their first call. No
 * program has run in this isolate.
 */
function keepCompiled(
  isolate: ivm.Isolate,
  scripts: GuestScripts,
  compiled: Map<keyof GuestScripts, ivm.ExternalCopy<ArrayBuffer>>,
): void {
  for (const name of Object.keys(scripts) as (keyof GuestScripts)[]) {
    const options = { filename: name, produceCachedData: true };
    const again: ivm.Script & ivm.CachedDataResult = isolate.compileScriptSync(scripts[name], options);
    if (again.cachedData !== undefined) compiled.set(name, again.cachedData);
    again.release();
  }
}

/** The program of the warm-up; its posts are discarded: see `rehearse` in the prelude. */
const REHEARSAL = `(async ({ lab, echo, input }) => {
  console.log("rehearsal", { a: 1 });
  const value = await lab.echo({ a: [1, "x"] });
  const kind = await echo({ value }).catch((error) => error.kind);
  await sleep(0);
  return [value, kind, input];
})`;

const rehearsal: readonly (readonly [kind: string, n: number, at: number, text: string])[] = [
  [
    "rehearse",
    0,
    0,
    JSON.stringify({
      namespaces: {
        servers: [{ name: "lab", global: "lab", tools: [{ name: "echo", method: "echo" }] }],
        locals: [{ name: "echo", global: "echo" }],
      },
      input: '{"a":1}',
      seed: "rehearsal",
      limits: defaultLimits,
    }),
  ],
  ["value", 1, 1, '{"a":[1,"x",null]}'],
  ["error", 2, 2, '{"kind":"tool","message":"no","server":"local","tool":"echo"}'],
  ["timer", 3, 3, ""],
  ["ready", 0, 0, ""],
];
