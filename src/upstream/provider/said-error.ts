/**
 * Reads a provider's error in all its known shapes: `{error: {…}}`, `{error: "…"}`, lists of these, `{message}`,
 * `{detail}`, an error as JSON text inside the message of another one.
 */
import { type Fields, isFields } from "../model.ts";

export interface SaidError {
  readonly message: string | undefined;
  readonly status: number | undefined;
  readonly param: string | undefined;
  readonly type: string | undefined;
  readonly code: string | undefined;
}

/** Deepest nesting of errors that is read. */
const MAX_LAYERS = 6;
/** Characters of a message that are searched for the error of a service behind the provider. */
const MAX_NESTED_CHARS = 64 * 1024;

/** The innermost message counts: outer ones come from the services that passed it on. */
export function readError(payload: unknown): SaidError {
  const layers = layersOf(payload).reverse();
  const first = (read: (layer: Fields) => string | undefined): string | undefined => firstOf(layers, read);
  return {
    message: first(messageOf),
    status: firstOf(layers, statusIn),
    param: first(({ param }) => textOf(param)),
    // Google puts the kind of an error into its status.
    type: firstOf(layers, ({ type, status }) => wordOf(type) ?? wordOf(status)),
    code: first(({ code }) => textOf(code)),
  };
}

/** Whether a payload of an answer with status 200 is an error, or contains one. */
export function holdsError(payload: Fields): boolean {
  if (payload["object"] === "error" || payload["type"] === "error" || isSaid(payload["error"])) return true;
  const base = payload["base_resp"];
  if (isFields(base) && isSaid(base["status_code"])) return true;
  if (Array.isArray(payload["choices"]) && payload["choices"].length > 0) return false;
  const { code, status, message = payload["msg"], detail, errors } = payload;
  const isBare = textOf(message) !== undefined && [code, status, payload["status_code"]].some(isSaid);
  return isBare || isSaid(detail) || isSaid(errors) || payload["success"] === false;
}

/** The HTTP status for a word that names a kind of error. */
export function statusOfWord(word: string): number | undefined {
  return STATUS_OF_WORDS.find(([words]) => words.test(word))?.[1];
}

const STATUS_OF_WORDS: readonly (readonly [RegExp, number])[] = [
  [/rate.?limit|resource.?exhausted|too.?many.?requests|quota|throttl/i, 429],
  [/overloaded|unavailable|over.?capacity/i, 503],
  [/authentication|unauthenticated|unauthorized|invalid.?api.?key/i, 401],
  [/permission|forbidden/i, 403],
  [/not.?found/i, 404],
  [/invalid.?request|invalid.?argument|bad.?request|context.?length/i, 400],
  [/time.?out|deadline.?exceeded/i, 504],
];

/** From the outermost to the innermost. */
function layersOf(payload: unknown): Fields[] {
  const layers: Fields[] = [];
  for (let next = payload; next !== undefined && layers.length < MAX_LAYERS; ) {
    const layer = toLayer(next);
    if (layer === undefined) break;
    layers.push(layer);
    next = innerOf(layer);
  }
  return layers;
}

function toLayer(value: unknown): Fields | undefined {
  if (Array.isArray(value)) return toLayer(value[0]);
  if (isFields(value)) return value;
  const text = textOf(value);
  if (text === undefined) return undefined;
  const parsed = parseNested(text);
  return parsed === undefined ? { message: text } : toLayer(parsed);
}

function innerOf(layer: Fields): unknown {
  const { error, errors, base_resp: base, metadata, message, detail } = layer;
  if (isSaid(error)) return error;
  if (isSaid(errors)) return errors;
  if (isFields(base)) return { code: base["status_code"], message: base["status_msg"] };
  // The message of a service behind the provider.
  if (isFields(metadata) && isSaid(metadata["raw"])) return metadata["raw"];
  if (isFields(detail) && (isSaid(detail["error"]) || isSaid(detail["message"]))) return detail;
  return typeof message === "string" ? parseNested(message) : isFields(message) ? message : undefined;
}

function parseNested(text: string): unknown {
  if (text.length > MAX_NESTED_CHARS || !/^\s*[{[]/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isFields(Array.isArray(value) ? value[0] : value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(layer: Fields): string | undefined {
  const { message, msg, error, error_message: long, error_description: description, detail } = layer;
  const said = [message, msg, error, long, description].map(textOf).find((text) => text !== undefined);
  return said ?? textOf(detail) ?? (isSaid(detail) ? JSON.stringify(detail) : undefined);
}

function statusIn(layer: Fields): number | undefined {
  const places = [layer["code"], layer["status"], layer["status_code"], layer["statusCode"]];
  return places.map(statusOf).find((status) => status !== undefined);
}

function statusOf(value: unknown): number | undefined {
  const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === "number" && status >= 400 && status <= 599 ? status : undefined;
}

function wordOf(value: unknown): string | undefined {
  const word = textOf(value);
  return word === "error" ? undefined : word;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** Whether a field reports a fault: `error: null` and the like appear in good answers, too. */
function isSaid(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isFields(value)) return Object.values(value).some((field) => isSaid(field));
  return Boolean(value) && value !== "null";
}

function firstOf<T>(layers: readonly Fields[], read: (layer: Fields) => T | undefined): T | undefined {
  for (const layer of layers) {
    const value = read(layer);
    if (value !== undefined) return value;
  }
  return undefined;
}
