/** Names that programs often use but that do not exist here, each with its alternative. Written for a model to read. */
import { type NamedTool, writeTool } from "../../tools/meant-tools.ts";
import { wordsOf } from "../../tools/words.ts";

const NO_NETWORK = "There is no network here: call a tool instead.";
const NO_NODE = "This is not Node.js: there are no modules, files or processes. Tools are the only way out.";
const NO_EVAL = "Code cannot be built from text here: write the code itself.";
const NO_SHARED = "It is left out on purpose; plain objects, arrays and Maps do the same here.";
const NO_PAGE = "This is not a browser: there is no page.";
const NO_PERSON = "Nobody can be asked here: values come in by `input`, and results go out by return.";
const NO_STORE = "Nothing is kept between runs: return what you need later.";
const NO_LIBRARY = "There are no libraries here: plain arrays, objects and Maps do the same.";
const NO_DATES = "There are no libraries here: use Date, and Intl.DateTimeFormat to write dates.";
const NO_TEST = "There is no test runner here: throw new Error(…) when something is wrong.";
const NO_SCHEMA = "There are no libraries here: check values with typeof and Array.isArray.";
const NO_TABLES = "This is JavaScript, without libraries: use arrays, map, filter and reduce.";
const INPUT = "Values come in by `input`.";
const ENVIRONMENT =
  "There are no environment variables here: values come in by `input`, and tools know their own keys.";
const RESULT = "Name what a call gives, `const result = await …`, and return it.";
const GLOBAL = "Tools are globals by themselves, and `globalThis` is the global object.";
const WRITE_TEXT = "Use strings, or Uint8Array for bytes: TextEncoder, TextDecoder, btoa and atob are here.";
const BODY = "There is no network here: a tool takes plain values, and gives them.";

/** Names with the same meaning share a row. */
const table: readonly (readonly [names: string, instead: string])[] = [
  [
    "fetch axios got ky superagent XMLHttpRequest WebSocket EventSource http https requests urllib httpx",
    NO_NETWORK,
  ],
  ["Response Request Headers FormData", BODY],
  ["Blob File FileReader ReadableStream WritableStream TransformStream", WRITE_TEXT],
  ["require fs path os module exports __dirname __filename child_process Deno Bun open", NO_NODE],
  ["process", "This is not Node.js: values come in by `input`, and tools are the only way out."],
  ["env environ dotenv", ENVIRONMENT],
  [
    "Buffer",
    "This is not Node.js: use Uint8Array with TextEncoder and TextDecoder, and btoa and atob for base64.",
  ],
  ["global self", GLOBAL],
  ["window document navigator location history", NO_PAGE],
  ["alert prompt confirm readline", NO_PERSON],
  ["localStorage sessionStorage indexedDB caches", NO_STORE],
  ["eval Function exec compile", NO_EVAL],
  ["WebAssembly SharedArrayBuffer Atomics WeakRef FinalizationRegistry", NO_SHARED],
  ["Temporal", "Use Date; its clock is that of the run."],
  ["time", "Use Date.now(); its clock is that of the run."],
  ["requestAnimationFrame requestIdleCallback", "Use `await sleep(0)`."],
  ["nextTick", "Use queueMicrotask, or `await`."],
  ["URL", "Take the text apart: `const [, host, path] = /^https?:\\/\\/([^/?#]+)([^?#]*)/.exec(url) ?? []`."],
  [
    "URLSearchParams",
    'Join parts like name + "=" + encodeURIComponent(value) with &; to read one, split at & and =, and use decodeURIComponent.',
  ],
  ["AbortController AbortSignal", "A call ends with its own time limit; there is nothing to abort."],
  [
    "Worker MessageChannel BroadcastChannel",
    "A program is one thread: start calls together with Promise.all.",
  ],
  ["EventEmitter Event EventTarget", "There are no events here: await what you wait for."],
  ["_ lodash underscore ramda R", NO_LIBRARY],
  ["moment dayjs luxon DateTime datetime timedelta", NO_DATES],
  ["uuid uuidv4 nanoid", "Use crypto.randomUUID()."],
  ["z zod Joi yup ajv", NO_SCHEMA],
  ["pd np pandas numpy", NO_TABLES],
  ["assert expect describe it test beforeEach afterEach jest vi chai", NO_TEST],
  ["args params argv kwargs ctx context event payload inputs props request req", INPUT],
  ["result output", RESULT],
  ["res response", "Name what a call gives: `const response = await …`."],
  ["print println printf puts echo log pprint", "Write console.log(…), or return the value."],
  ["True", "Write true."],
  ["False", "Write false."],
  ["None nil NULL Null", "Write null."],
  ["len", "Write value.length, of a Map or Set value.size, of an object Object.keys(value).length."],
  ["str repr", "Write String(value)."],
  ["int float", "Write Number(value), or Math.trunc(Number(value))."],
  ["bool", "Write Boolean(value)."],
  ["dict", "Write an object, {}, or Object.fromEntries(…)."],
  ["list tuple", "Write an array, [], or Array.from(…)."],
  ["range", "Write Array.from({ length: n }, (_, i) => i)."],
  ["enumerate", "Write array.entries()."],
  ["sorted", "Write array.toSorted((a, b) => …)."],
  ["sum", "Write array.reduce((sum, n) => sum + n, 0)."],
  ["zip", "Write a.map((value, i) => [value, b[i]])."],
  ["isinstance type", "Write typeof value, or value instanceof Class."],
  ["math", "Write Math."],
  ["json", "Write JSON.parse(…) or JSON.stringify(…)."],
  ["asyncio gather", "Write await Promise.all([…])."],
  ["re", "Write a regular expression, /…/."],
];

const waysOut: ReadonlyMap<string, string> = new Map(
  table.flatMap(([names, instead]) => names.split(" ").map((name) => [name, instead] as const)),
);

/** Words for tools that do the job of the absent name. */
const kinds: readonly (readonly [names: string, words: string])[] = [
  [
    "fetch axios got ky superagent XMLHttpRequest http https requests urllib httpx",
    "fetch http url web request download scrape browse crawl",
  ],
  ["fs open path FileReader File", "file directory folder filesystem document"],
  ["child_process exec", "shell command exec terminal bash"],
  ["document window", "page browser browse screenshot click"],
  ["alert prompt confirm readline", "ask notify message prompt"],
  ["localStorage sessionStorage indexedDB caches", "memory store remember database cache"],
];

const NO_RESIZE = "An ArrayBuffer keeps its memory here: make a new one and copy.";

/** Members that existing objects lack here. */
const membersOut: ReadonlyMap<string, string> = new Map([
  ["resize", NO_RESIZE],
  ["transfer", NO_RESIZE],
  ["transferToFixedLength", NO_RESIZE],
]);

/** All of them, for tests and tables. */
export const absentNames: readonly string[] = [...waysOut.keys()];

/** The alternative; undefined for a name that programs are not known to use. */
export function wayOut(name: string): string | undefined {
  return waysOut.get(name);
}

/** The same for the last name of a chain: `globalThis.eval`, `buffer.resize`. Other objects may have such names. */
export function wayOutOfMember(chain: string): string | undefined {
  const [root = "", ...path] = chain.split(".");
  const name = path.at(-1) ?? "";
  return membersOut.get(name) ?? (root === "globalThis" && path.length === 1 ? waysOut.get(name) : undefined);
}

/** One remark about a use of the name. */
export function sayAbsent(name: string, instead: string): string {
  return `${name} does not exist here. ${instead}`;
}

const MAX_LIKE = 3;

/** Those of `tools` that do what this name does elsewhere. */
export function likeTools(name: string, tools: readonly NamedTool[]): readonly NamedTool[] {
  const words = kinds.find(([names]) => names.split(" ").includes(name))?.[1];
  if (words === undefined) return [];
  const wanted = new Set(wordsOf(words));
  return tools
    .filter((tool) => wordsOf(`${tool.name} ${tool.server}`).some((word) => wanted.has(word)))
    .slice(0, MAX_LIKE);
}

/** A sentence after another one, or nothing. */
export function sayLike(tools: readonly NamedTool[]): string {
  return tools.length === 0 ? "" : ` Tools for it: ${tools.map(writeTool).join(", ")}.`;
}

export const NO_IMPORT: string = `import() does not work here. ${NO_NODE}`;
