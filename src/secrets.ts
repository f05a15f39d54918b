/** What is secret in the places where secrets stand. Others repeat one whole, in part, or as it is encoded. */

/** Shorter values are not told apart from the ordinary text of a log. */
export const MIN_SECRET_CHARS = 6;

/** `Bearer abc` hides `abc` too, and `Basic …` what it encodes. */
export function headerSecrets(value: string): readonly string[] {
  const [scheme = "", ...rest] = value.split(" ");
  const credential = rest.join(" ");
  if (credential === "") return [value];
  if (scheme.toLowerCase() !== "basic") return [value, credential];
  const decoded = Buffer.from(credential, "base64").toString();
  return [value, credential, decoded, decoded.slice(decoded.indexOf(":") + 1)];
}

/** The user and the password of an address, as they are written there and as they are meant. */
export function loginSecrets(url: string): readonly string[] {
  const parsed = URL.parse(url);
  if (parsed === null) return [];
  return [parsed.username, parsed.password]
    .filter((value) => value !== "")
    .flatMap((value) => [value, decoded(value)]);
}

/** `loginSecrets`, and every value of the query. */
export function addressSecrets(url: string): readonly string[] {
  const values = [...(URL.parse(url)?.searchParams.values() ?? [])];
  return [...loginSecrets(url), ...values.flatMap((value) => [value, encodeURIComponent(value)])];
}

/** A key in PEM form is printed line by line. */
export function environmentSecrets(value: string): readonly string[] {
  return [value, ...value.split("\n").filter((line) => line.length >= PEM_LINE_CHARS)];
}

const PEM_LINE_CHARS = 16;

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
