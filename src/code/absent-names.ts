/** What programs reach for and do not find, each with the way out. Written for a model to read. */

const USE_A_TOOL = "There is no network here: call a tool instead.";
const NO_NODE = "This is not Node.js: there are no modules, files or processes. Tools are the only way out.";
const NO_EVAL = "Code cannot be built from text here: write the code itself.";
const NO_SHARED = "It is left out on purpose; plain objects, arrays and Maps do the same here.";
const NO_PAGE = "This is not a browser: there is no page.";
const NO_TIMERS = "Use a loop with `await sleep(ms)`.";

const waysOut: ReadonlyMap<string, string> = new Map([
  ["fetch", USE_A_TOOL],
  ["axios", USE_A_TOOL],
  ["XMLHttpRequest", USE_A_TOOL],
  ["WebSocket", USE_A_TOOL],
  ["require", NO_NODE],
  ["process", "This is not Node.js: values come in by `input`, and tools are the only way out."],
  ["Buffer", "This is not Node.js: use strings or Uint8Array."],
  ["fs", NO_NODE],
  ["path", NO_NODE],
  ["os", NO_NODE],
  ["module", NO_NODE],
  ["exports", NO_NODE],
  ["__dirname", NO_NODE],
  ["__filename", NO_NODE],
  ["Deno", NO_NODE],
  ["Bun", NO_NODE],
  ["global", "Use globalThis, or better: pass values as arguments."],
  ["eval", NO_EVAL],
  ["Function", NO_EVAL],
  ["WebAssembly", NO_SHARED],
  ["SharedArrayBuffer", NO_SHARED],
  ["Atomics", NO_SHARED],
  ["WeakRef", NO_SHARED],
  ["FinalizationRegistry", NO_SHARED],
  ["Temporal", "Use Date; its clock is that of the run."],
  ["performance", "Use Date.now(); its clock is that of the run."],
  ["setInterval", NO_TIMERS],
  ["clearInterval", NO_TIMERS],
  ["setImmediate", "Use `await sleep(0)`."],
  ["queueMicrotask", "Use `await` or a promise's `then`."],
  ["structuredClone", "Use JSON.parse(JSON.stringify(value))."],
  ["TextEncoder", "Use strings, or encodeURIComponent for UTF-8."],
  ["TextDecoder", "Use strings, or decodeURIComponent for UTF-8."],
  ["URL", "Take the text apart with a regular expression."],
  ["URLSearchParams", "Join the parts with encodeURIComponent."],
  ["AbortController", "A call ends with its own time limit; there is nothing to abort."],
  ["document", NO_PAGE],
  ["window", NO_PAGE],
  ["alert", NO_PAGE],
  ["localStorage", "Nothing is kept between runs: return what you need later."],
]);

const NO_RESIZE = "An ArrayBuffer keeps its memory here: make a new one and copy.";

/** Members of what is there that are not. */
const membersOut: ReadonlyMap<string, string> = new Map([
  ["resize", NO_RESIZE],
  ["transfer", NO_RESIZE],
  ["transferToFixedLength", NO_RESIZE],
]);

/** All of them, for tests and tables. */
export const absentNames: readonly string[] = [...waysOut.keys()];

/** What to do instead; undefined for a name that nobody is known to reach for. */
export function wayOut(name: string): string | undefined {
  return waysOut.get(name);
}

/** The same for a name that may be the last of a chain: `globalThis.eval`, `buffer.resize`. */
export function wayOutOfMember(name: string): string | undefined {
  return membersOut.get(name) ?? waysOut.get(name);
}

/** One remark about a use of the name. */
export function sayAbsent(name: string, instead: string): string {
  return `${name} does not exist here. ${instead}`;
}

export const NO_IMPORT: string = `import() does not work here. ${NO_NODE}`;
