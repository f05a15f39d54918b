/**
 * Names for tools and servers whose own names a program cannot write: derived deterministically, each assigned once.
 */
import { createHash } from "node:crypto";

/** Longest function name that providers accept, in characters. */
const FUNCTION_NAME_CHARS = 64;

/** A claim for a name. `id` distinguishes claims with equal names. */
export interface NameClaim {
  readonly id: string;
  readonly name: string;
}

/** A name with two claims, and the outcome. */
export interface NameCollision {
  readonly wanted: string;
  /** Id of the claim that kept the name. */
  readonly kept: string;
  readonly renamed: { readonly id: string; readonly to: string };
}

export interface AssignedNames {
  /** By the claim's id. */
  readonly names: ReadonlyMap<string, string>;
  readonly collisions: readonly NameCollision[];
}

/**
 * Assigns every claim an identifier of its own. Among claims that clean to the same identifier, the one whose name
 * needs no cleaning keeps it, else the first by byte order of the original names (of equal ones the first given). The
 * others get the first free of `_2`, `_3`, … A name that another claim has as it stands is never used for that.
 */
export function assignNames(claims: readonly NameClaim[]): AssignedNames {
  const ordered = claims
    .map((claim) => ({ ...claim, wanted: cleanIdentifier(claim.name) }))
    .sort(
      (a, b) => Number(b.wanted === b.name) - Number(a.wanted === a.name) || compareBytes(a.name, b.name),
    );
  const holders = new Map<string, string>();
  for (const { id, wanted } of ordered) if (!holders.has(wanted)) holders.set(wanted, id);

  const names = new Map<string, string>();
  const collisions: NameCollision[] = [];
  for (const { id, wanted } of ordered) {
    const kept = holders.get(wanted) ?? id;
    const to = kept === id ? wanted : firstFree(wanted, holders);
    holders.set(to, id);
    names.set(id, to);
    if (to !== wanted) collisions.push({ wanted, kept, renamed: { id, to } });
  }
  return { names, collisions };
}

/** A JavaScript identifier without a meaning of its own in a program. */
function cleanIdentifier(name: string): string {
  const cleaned = name.replace(/[^\p{ID_Continue}$]/gu, "_") || "_";
  if (reservedNames.has(cleaned)) return `${cleaned}_`;
  return /^[\p{ID_Start}$_]/u.test(cleaned) ? cleaned : `_${cleaned}`;
}

/**
 * Names tools for models that get plain tool lists: `server__tool`. When cleaning or the cut to 64 characters changes
 * the name, it ends in `_` and the first 8 hex digits of the id's sha256. Ids that are valid as they are come first, so
 * that no derived name takes the place of a real one.
 */
export function assignFunctionNames(ids: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const give = (id: string, name: string) => {
    names.set(id, name);
    taken.add(name);
  };
  for (const id of ids) {
    const plain = id.replace("/", "__");
    if (plain === cleanFunctionName(plain) && !taken.has(plain)) give(id, plain);
  }
  for (const id of ids) if (!names.has(id)) give(id, hashedFunctionName(id, taken));
  return names;
}

function hashedFunctionName(id: string, taken: ReadonlySet<string>): string {
  const digest = createHash("sha256").update(id).digest("hex");
  const base = cleanFunctionName(id.replace("/", "__"));
  for (let digits = 8; ; digits += 1) {
    const hash = digest.slice(0, digits);
    const name = `${base.slice(0, FUNCTION_NAME_CHARS - digits - 1)}_${hash}`;
    if (!taken.has(name)) return name;
  }
}

/** Providers accept fewer characters than JavaScript, and some refuse a digit at the start. */
function cleanFunctionName(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9_]/gu, "_");
  return (/^[0-9]/.test(cleaned) ? `_${cleaned}` : cleaned).slice(0, FUNCTION_NAME_CHARS);
}

/** The order of the UTF-8 bytes, the same on every machine. */
export function compareBytes(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b)) || (a < b ? -1 : 1);
}

function firstFree(wanted: string, holders: ReadonlyMap<string, string>): string {
  for (let n = 2; ; n += 1) if (!holders.has(`${wanted}_${n}`)) return `${wanted}_${n}`;
}

/** Names that a tool must not replace in a program: the language's words and globals, and the sandbox's own. */
export const reservedNames: ReadonlySet<string> = new Set(
  `
  await break case catch class const continue debugger default delete do else enum export extends false finally for
  function if implements import in instanceof interface let new null package private protected public return static
  super switch this throw true try typeof var void while with yield arguments eval undefined NaN Infinity

  globalThis Object Function Array Number Boolean String Symbol BigInt Date Promise RegExp JSON Math Intl Reflect Proxy
  Map Set WeakMap WeakSet WeakRef FinalizationRegistry Iterator AsyncIterator Temporal ShadowRealm
  Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError
  DisposableStack AsyncDisposableStack ArrayBuffer SharedArrayBuffer Atomics DataView WebAssembly
  Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float16Array Float32Array
  Float64Array BigInt64Array BigUint64Array
  parseInt parseFloat isNaN isFinite decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape

  constructor prototype then hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString toJSON valueOf
  __proto__ __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__

  tools input console sleep runs ToolError crypto setTimeout clearTimeout setInterval clearInterval setImmediate
  clearImmediate queueMicrotask structuredClone require module exports process global
  `
    .trim()
    .split(/\s+/),
);
