/** The schema dialects that families of providers accept for a tool's arguments. */

export interface Dialect {
  /** The only keywords allowed in a schema. */
  readonly keywords: ReadonlySet<string> | "all";
  /** Whether a schema may refer to others of the same document. */
  readonly refs: boolean;
  /** `any-of`: alternatives only as `anyOf`, with no restricting keyword beside it. */
  readonly unions: "all" | "any-of";
  /** Whether null is a type; otherwise it is a mark (`nullable`). */
  readonly nullType: boolean;
  /** Whether every schema must have a type. */
  readonly typed: boolean;
  /** Allowed formats by type; all when absent. */
  readonly formats?: { readonly [type: string]: readonly string[] };
  /** The patterns that are accepted; every valid regular expression when absent. */
  readonly patterns?: RegExp;
  /** Allowed names of properties. */
  readonly keys: RegExp;
  /** Most characters of a tool's description. */
  readonly maxDescriptionChars: number;
  /** Whether a tool without parameters must omit them. */
  readonly omitsEmpty: boolean;
}

const ANY_KEY = /^/;

const openai: Dialect = {
  keywords: "all",
  refs: true,
  unions: "all",
  nullType: true,
  typed: false,
  keys: ANY_KEY,
  // "Expected a string with maximum length 1024": https://github.com/OpenHands/OpenHands/issues/4838
  maxDescriptionChars: 1_024,
  omitsEmpty: false,
};

export type DialectName = "openai" | "common" | "anthropic" | "gemini" | "moonshot";

export const dialects: { readonly [N in DialectName]: Dialect } = {
  openai,
  // All other providers of OpenAI's protocol, including local servers. Patterns as llama.cpp reads them:
  // https://github.com/ggml-org/llama.cpp/issues/26930, https://github.com/ggml-org/llama.cpp/issues/27580
  common: {
    ...openai,
    refs: false,
    patterns: /^\^(?:[^\\(]|\\[.\-[\]^$+*?(){}|]|\((?!\?))*\$$/,
    maxDescriptionChars: Number.POSITIVE_INFINITY,
  },
  // "property keys should match pattern": https://github.com/twilio-labs/mcp/issues/58
  anthropic: {
    ...openai,
    keys: /^[a-zA-Z0-9_.-]{1,64}$/,
    maxDescriptionChars: Number.POSITIVE_INFINITY,
  },
  // https://ai.google.dev/api/caching#Schema
  gemini: {
    keywords: new Set([
      ...["type", "description", "nullable", "enum", "format", "items", "minItems", "maxItems"],
      ...["properties", "required", "anyOf", "minimum", "maximum"],
    ]),
    refs: false,
    unions: "any-of",
    nullType: false,
    typed: true,
    formats: {
      string: ["date-time", "enum"],
      number: ["float", "double"],
      integer: ["int32", "int64"],
    },
    keys: /^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/,
    maxDescriptionChars: Number.POSITIVE_INFINITY,
    omitsEmpty: true,
  },
  // https://github.com/MoonshotAI/kimi-code/issues/2661, https://github.com/CommandCodeAI/command-code/issues/566
  moonshot: {
    ...openai,
    refs: false,
    unions: "any-of",
    maxDescriptionChars: Number.POSITIVE_INFINITY,
  },
};

export const dialectNames = Object.keys(dialects) as readonly DialectName[];
