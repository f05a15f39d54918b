/**
 * The guest's half of the bridge with nobody behind it: the scripts of an isolate in a context of this process, where
 * what they post can be read. For guards that the gateway holds once more, so that no program could tell them apart.
 */
import { createContext, runInContext } from "node:vm";
import { installParts, loadGuestScripts } from "../../../sandbox/worker/guest-scripts.ts";

const guestScripts: Scripts = loadGuestScripts().scripts;

type Scripts = ReturnType<typeof loadGuestScripts>["scripts"];
type Script = keyof Scripts;
type Row = readonly unknown[];
type Enter = (kind: string, n: number, at: number, text: string, program?: unknown) => void;
type Part = (...given: never[]) => unknown;

/** A script as the function it is, made in a context of its own. */
export function loadScript(name: Script, context: object = createContext()): Part {
  return runInContext(guestScripts[name], context) as Part;
}

export interface Guest {
  /** What was posted, post by post: each the JSON text of a list of rows. */
  readonly texts: readonly string[];
  readonly enter: Enter;
  /** All rows so far, once every microtask is done. */
  rows(): Promise<readonly Row[]>;
}

const roomy = { toolCalls: 256, toolArgsBytes: 1e6, resultBytes: 1e6, logBytes: 65_536, logLines: 1_000 };

/** Runs the body of a program with the server `lab`, of one tool `echo`. */
export function startGuest(body: string, limits: Partial<typeof roomy> = {}): Guest {
  const guest = createGuest();
  guest.enter("ready", 0, 0, "");
  guest.start(body, limits);
  return guest;
}

/** The same after a rehearsal, which a worker plays in every isolate it builds. */
export async function startRehearsedGuest(body: string, limits: Partial<typeof roomy> = {}): Promise<Guest> {
  const guest = createGuest();
  const rehearsal = `(async ({ lab }) => { console.log("heard by nobody"); Math.random();
    await lab.echo({}).catch(() => 0); await lab.echo({}).catch(() => 0); await sleep(0); return [Date.now()] })`;
  guest.enter("rehearse", 0, 0, configOf({}), runInContext(rehearsal, guest.context));
  for (const [kind, n, text] of [
    ["value", 1, "1"],
    ["error", 2, '{"kind":"tool","message":"","server":"lab","tool":"echo"}'],
    ["timer", 3, ""],
    ["ready", 0, ""],
  ] as const) {
    await guest.rows();
    guest.enter(kind, n, 1_000, text);
  }
  guest.start(body, limits);
  return guest;
}

function createGuest(): Guest & {
  start(body: string, limits: Partial<typeof roomy>): void;
  context: object;
} {
  const context = createContext();
  const part = (name: Script, ...given: unknown[]): unknown =>
    Reflect.apply(loadScript(name, context), undefined, given);
  const texts: string[] = [];
  const post = (text: string): void => void texts.push(text);
  const enter = part("prelude", post, ...installParts(part)) as Enter;
  return {
    context,
    texts,
    enter,
    start(body, limits) {
      enter("start", 0, 0, configOf(limits), runInContext(`(async () => {${body}\n})`, context));
    },
    async rows() {
      await new Promise((resolve) => setImmediate(resolve));
      return texts.flatMap((text) => JSON.parse(text) as Row[]);
    },
  };
}

function configOf(limits: Partial<typeof roomy>): string {
  const namespaces = {
    servers: [{ name: "lab", global: "lab", tools: [{ name: "echo", method: "echo" }] }],
    locals: [],
  };
  return JSON.stringify({ namespaces, input: "null", seed: "seed", limits: { ...roomy, ...limits } });
}
