/**
 * Images, sounds and files in results, for readers of text: each becomes a mark of its type and size. Base64 says
 * nothing to a model and costs it a page for every kilobyte. Results themselves keep their data.
 */
import type { Image } from "../../upstream/model.ts";

/** The value with a mark for each piece of media: `[image/png, 34 kB]`. Parts without media are shared, not copied. */
export function withMarks(value: unknown): unknown {
  if (typeof value === "string") return markText(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(withMarks);
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  const { type, data, blob, mimeType } = value as { readonly [key: string]: unknown };
  if ((type === "image" || type === "audio") && typeof data === "string")
    return markOf(mimeType ?? type, data);
  const marked = Object.entries(value).map(([key, item]): readonly [string, unknown] => [
    key,
    key === "blob" && typeof blob === "string" && "uri" in value ? markOf(mimeType, blob) : withMarks(item),
  ]);
  const isChanged = marked.some(([key, item]) => item !== Reflect.get(value, key));
  return isChanged ? Object.fromEntries(marked) : value;
}

/** The images for which `withMarks` puts marks, in their order. */
export function imagesIn(value: unknown): readonly Image[] {
  if (typeof value === "string") return imageOfAddress(value);
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(imagesIn);
  const { type, data, blob, uri, mimeType } = value as { readonly [key: string]: unknown };
  const base64 = type === "image" ? data : uri === undefined ? undefined : blob;
  if (typeof base64 === "string" && typeof mimeType === "string")
    return isImage(mimeType) ? [{ mimeType, base64 }] : [];
  return Object.values(value).flatMap(imagesIn);
}

/** Those that models see: https://platform.openai.com/docs/guides/images-vision#image-input-requirements */
function isImage(mimeType: string): boolean {
  return /^image\/(png|jpeg|gif|webp)$/.test(mimeType);
}

function imageOfAddress(text: string): readonly Image[] {
  if (text.length < LONG || !text.startsWith("data:image/")) return [];
  const { type = "", data = "" } =
    /^data:(?<type>[\w.+/-]+);base64,(?<data>[A-Za-z0-9+/]+={0,2})$/.exec(text)?.groups ?? {};
  return isImage(type) ? [{ mimeType: type, base64: data }] : [];
}

/** The same in a text, such as a program prints. */
export function markText(text: string): string {
  if (text.length < LONG) return text;
  return text.replace(BASE64, (whole, type: string | undefined, data: string) =>
    isBase64(data) ? markOf(type, data) : whole,
  );
}

/** Characters from which base64 without a media type counts as media: keys and signatures are shorter. */
const LONG = 1_024;
const BASE64 = new RegExp(
  `(?:data:([\\w.+-]{1,80}/[\\w.+-]{1,80});base64,)?([A-Za-z0-9+/]{${LONG},}={0,2})`,
  "g",
);

/** Excludes one letter repeated, and hexadecimal digits. */
function isBase64(data: string): boolean {
  const beginning = data.slice(0, LONG);
  return (
    /[A-Z]/.test(beginning) && /[a-z]/.test(beginning) && /\d/.test(beginning) && /[G-Zg-z]/.test(beginning)
  );
}

function markOf(type: unknown, base64: string): string {
  const name = typeof type === "string" && type.length <= 80 ? type : "base64";
  return `[${name}, ${sayBytes(Buffer.byteLength(base64, "base64"))}]`;
}

function sayBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 999_500 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
