/** One sentence with the way out, for failures whose own words do not say it. Written for a model to read. */
import type { EngineFailure } from "../../sandbox/index.ts";

const USE_A_TOOL = "There is no network here: call a tool instead.";
const NO_NODE = "This is not Node.js: there are no modules, files or processes. Tools are the only way out.";
const NO_EVAL = "Code cannot be built from text here: write the code itself.";
const NO_SHARED = "It is left out on purpose; plain objects, arrays and Maps do the same here.";
const NO_RESIZE = "An ArrayBuffer keeps its memory here: make a new one and copy.";

/** Names that programs reach for and that are not there. */
const missing: { readonly [name: string]: string } = {
  fetch: USE_A_TOOL,
  XMLHttpRequest: USE_A_TOOL,
  WebSocket: USE_A_TOOL,
  require: NO_NODE,
  process: NO_NODE,
  Buffer: NO_NODE,
  fs: NO_NODE,
  path: NO_NODE,
  module: NO_NODE,
  exports: NO_NODE,
  global: "Use globalThis, or better: pass values as arguments.",
  eval: NO_EVAL,
  Function: NO_EVAL,
  WebAssembly: NO_SHARED,
  SharedArrayBuffer: NO_SHARED,
  Atomics: NO_SHARED,
  WeakRef: NO_SHARED,
  FinalizationRegistry: NO_SHARED,
  Temporal: "Use Date; its clock is that of the run.",
  resize: NO_RESIZE,
  transfer: NO_RESIZE,
  transferToFixedLength: NO_RESIZE,
  setInterval: "Use a loop with `await sleep(ms)`.",
  setImmediate: "Use `await sleep(0)`.",
  structuredClone: "Use JSON.parse(JSON.stringify(value)).",
  document: "This is not a browser: there is no page.",
  window: "This is not a browser: there is no page.",
  localStorage: "Nothing is kept between runs: return what you need later.",
};

/** A name by itself, or the last one of a chain: `globalThis.eval`, `buffer.resize`. */
const MISSING =
  /^(?:ReferenceError: (?<name>\S+) is not defined|TypeError: .*\.(?<name>[\w$]+) is not a (?:function|constructor))$/;

export function hintFor(failure: EngineFailure): string | undefined {
  switch (failure.code) {
    case "guest_error": {
      if (failure.message === "Error: Not supported") return NO_NODE;
      const name = MISSING.exec(failure.message)?.groups?.["name"];
      return name !== undefined && Object.hasOwn(missing, name) ? missing[name] : undefined;
    }
    case "pending_forever":
      return "Every promise must come from a tool call, sleep or setTimeout; check for a resolve that is never called.";
    case "not_serializable":
      return "Return plain data: objects, arrays, strings, numbers, booleans, null.";
    case "result_too_large":
      return "Return a summary or fewer rows.";
    case "too_many_calls":
      return "Ask for more with each call: filters, larger pages, batch tools.";
    default:
      return undefined;
  }
}
