/** Any value in words, for the console and for what a program threw. Reading a guest's value may run the guest's code. */
type Encoded = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly fault: string };
interface Display {
  /** Never throws. */
  display(value: unknown): string;
  /** `Name: message`. Throws what the error's getters throw. */
  errorText(error: object): string;
  isError(value: unknown): value is object;
}

(encode: (value: unknown, root: string) => Encoded): Display => {
  const { apply } = Reflect;
  const { isArray } = Array;
  const { isPrototypeOf } = Object.prototype;
  const errorPrototype = Error.prototype;
  const toText = String;

  const isError = (value: unknown): value is object =>
    typeof value === "object" && value !== null && apply(isPrototypeOf, errorPrototype, [value]);
  const errorText = (error: object): string => {
    const { name, message } = error as { name?: unknown; message?: unknown };
    return `${name ?? "Error"}: ${message ?? ""}`;
  };

  return {
    isError,
    errorText,
    display(value) {
      try {
        if (typeof value === "string") return value;
        if (isError(value)) return errorText(value);
        if (typeof value === "function") return `[function ${value.name}]`;
        if (typeof value !== "object" || value === null) return toText(value);
        const encoded = encode(value, isArray(value) ? "array" : "object");
        return encoded.ok ? encoded.text : `[${encoded.fault}]`;
      } catch {
        return "[unreadable value]";
      }
    },
  };
};

export {};
