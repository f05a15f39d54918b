/**
 * The guest's half of the bridge with nobody behind it: the scripts of an isolate in a context of this process, where
 * what they post can be read. For guards that the gateway holds once more, so that no program could tell them apart.
 */
import { createContext, runInContext } from "node:vm";
import { loadGuestScripts } from "../../../sandbox/guest-scripts.ts";

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
  /** What was posted, post by post, each a list of rows. */
  readonly posts: (readonly Row[])[];
  readonly texts: string[];
  readonly enter: Enter;
  /** All rows so far, once every microtask is done. */
  rows(): Promise<readonly Row[]>;
}

const roomy = { toolCalls: 256, toolArgsBytes: 1e6, resultBytes: 1e6, logBytes: 65_536, logLines: 1_000 };

/** Runs the body of a program with the server `lab`, of one tool `echo`. */
export function startGuest(body: string, limits: Partial<typeof roomy> = {}, warm = false): Guest {
  const context = createContext();
  const part = (name: Script, ...given: unknown[]): unknown =>
    Reflect.apply(loadScript(name, context), undefined, given);
  const posts: (readonly Row[])[] = [];
  const texts: string[] = [];
  const post = (text: string): void => {
    texts.push(text);
    posts.push(JSON.parse(text));
  };
  const encode = part("encode");
  const parts = [encode, part("clock"), part("text"), part("display", encode), part("namespaces")];
  const enter = part("prelude", post, ...parts) as Enter;
  if (warm) enter("warm", 0, 0, "");
  const namespaces = {
    servers: [{ name: "lab", global: "lab", tools: [{ name: "echo", method: "echo" }] }],
    locals: [],
  };
  const config = JSON.stringify({ namespaces, input: "null", seed: "seed", limits: { ...roomy, ...limits } });
  enter("start", 0, 0, config, runInContext(`(async () => {${body}\n})`, context));
  return {
    posts,
    texts,
    enter,
    async rows() {
      await new Promise((resolve) => setImmediate(resolve));
      return posts.flat();
    },
  };
}
