/** Finds the secrets in places that hold them. Other texts may repeat a secret whole, in part, or encoded. */

/** Shorter values cannot be distinguished from ordinary log text. */
export const MIN_SECRET_CHARS = 6;

/** The secrets of a header: of `Bearer abc` also `abc`, of `Basic …` also the decoded text. */
export function headerSecrets(value: string): readonly string[] {
  const [scheme = "", ...rest] = value.split(" ");
  const credential = rest.join(" ");
  if (credential === "") return [value];
  if (scheme.toLowerCase() !== "basic") return [value, credential];
  const decoded = Buffer.from(credential, "base64").toString();
  return [value, credential, decoded, decoded.slice(decoded.indexOf(":") + 1)];
}

/** The user and the password of an address, both as written and decoded. */
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

/** The secrets of a variable. A key in PEM form is printed line by line, so each line counts. */
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
