/** One quirk: whom it concerns, and what is done about it. */
import type { ProviderConfig } from "../../config/config.ts";
import type { DialectName } from "../schemas/dialects.ts";

/** What holds of a model at a provider. */
export interface Traits {
  /** Parameters that are refused. */
  readonly omit: readonly string[];
  /** Parameters that have another name there. */
  readonly rename: { readonly [name: string]: string };
  /** `json-text`: a demanded format is refused beside tools, and is asked for in words there. */
  readonly formatWithTools: "taken" | "json-text";
  /** How tools are declared. */
  readonly schemas: DialectName;
  /** How many tools a request may offer. */
  readonly maxTools: number;
  /** Whether functions may be marked `strict`. */
  readonly strict: boolean;

  /** The only fields of messages that are taken. */
  readonly messageFields: readonly string[] | "all";
  /** Whether people and assistants may have names. */
  readonly names: boolean;
  /** Whether a tool message has to name its tool. */
  readonly toolNames: boolean;
  /** Fields in which an earlier turn's thoughts stand. `with-tools`: they are demanded where tools are offered. */
  readonly thoughts: "keep" | "drop" | "with-tools";
  /** Put into the first call of a turn that has no signature of its own. */
  readonly signature: string | null;
  /** `short`: at most 40 characters. `word`: letters, digits, `_` and `-`. `nine`: nine letters or digits. */
  readonly callIds: "any" | "short" | "word" | "nine";

  /** Whether there is a role `developer`. */
  readonly developer: boolean;
  /** Whether instructions must stand before everything else. */
  readonly systemFirst: boolean;
  /** Whether people and assistants must take turns. */
  readonly alternates: boolean;
  /** Whether a person may speak after a tool. */
  readonly userAfterTool: boolean;

  /** What stands in place of text in a message that only calls tools. */
  readonly noText: "null" | "empty" | "absent";
  /** Whether messages and parts of them may be empty. */
  readonly emptyText: boolean;
  /** Whether content that is only text must be one text. */
  readonly plainText: boolean;
  /** Where the images of a tool's result go; `mark`: they are only told of. */
  readonly images: "mark" | "tool-message" | "user-message";
}

/** One thing that is known of some providers. A condition that is left out holds. */
export interface Quirk {
  /** Of the base URL's host. */
  readonly hosts?: RegExp;
  readonly types?: readonly ProviderConfig["type"][];
  /** Of the model's name at the provider. */
  readonly models?: RegExp;
  /** `omit` and `rename` add to what earlier rows say; everything else replaces it. */
  readonly traits: Partial<Traits>;
}
