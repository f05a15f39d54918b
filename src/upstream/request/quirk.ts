/** One quirk: the providers or models that have it, and its consequence for a request. */
import type { ProviderConfig } from "../../config/config.ts";
import type { DialectName } from "../schemas/dialects.ts";

/** The traits of a model at a provider. */
export interface Traits {
  /** Parameters that the provider refuses. */
  readonly omit: readonly string[];
  /** Parameters with another name at the provider. */
  readonly rename: { readonly [name: string]: string };
  /** `json-text`: the provider refuses a response format beside tools, so the format is asked for in words. */
  readonly formatWithTools: "taken" | "json-text";
  /** The dialect in which tools are declared. */
  readonly schemas: DialectName;
  /** Most tools in one request. */
  readonly maxTools: number;
  /** Whether functions may be marked `strict`. */
  readonly strict: boolean;

  /** The only fields of messages that the provider accepts. */
  readonly messageFields: readonly string[] | "all";
  /** Whether user and assistant messages may have names. */
  readonly names: boolean;
  /** Whether a tool message has to name its tool. */
  readonly toolNames: boolean;
  /**
   * Handling of the fields with an earlier turn's thoughts. `with-tools`: they are required where tools are offered.
   */
  readonly thoughts: "keep" | "drop" | "with-tools";
  /** Added to the first call of a turn when it has no signature of its own. */
  readonly signature: string | null;
  /** `short`: at most 40 characters. `word`: letters, digits, `_` and `-`. `nine`: nine letters or digits. */
  readonly callIds: "any" | "short" | "word" | "nine";

  /** Whether the role `developer` exists. */
  readonly developer: boolean;
  /** Whether instructions must come before everything else. */
  readonly systemFirst: boolean;
  /** Whether user and assistant messages must alternate. */
  readonly alternates: boolean;
  /** Whether a user message may follow a tool message. */
  readonly userAfterTool: boolean;

  /** The content of a message that only calls tools. */
  readonly noText: "null" | "empty" | "absent";
  /** Whether messages and their parts may be empty. */
  readonly emptyText: boolean;
  /** Whether a content of text only must be a single text. */
  readonly plainText: boolean;
  /** Where the images of a tool's result go. `mark`: only a mark says that there were some. */
  readonly images: "mark" | "tool-message" | "user-message";
}

/** One known quirk. An absent condition is true. */
export interface Quirk {
  /** Matches the base URL's host. */
  readonly hosts?: RegExp;
  readonly types?: readonly ProviderConfig["type"][];
  /** Matches the model's name at the provider. */
  readonly models?: RegExp;
  /** `omit` and `rename` add to earlier rows; every other trait replaces theirs. */
  readonly traits: Partial<Traits>;
}
