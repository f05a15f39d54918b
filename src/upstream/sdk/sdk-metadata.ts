/**
 * Fields that only one kind of provider knows, placed where clients of OpenAI's protocol expect them: thought
 * signatures, which go back only to the kind of provider that sent them, and marks for caching.
 */
import type {
  LanguageModelV4ReasoningPart,
  SharedV4ProviderMetadata,
  SharedV4ProviderOptions,
} from "@ai-sdk/provider";
import { type Fields, isFields } from "../model.ts";
import type { SdkType } from "./sdk-package.ts";

type Metadata = SharedV4ProviderMetadata | undefined;

/** Field of a message that holds whole thoughts: `{ type: "reasoning.text", format, text, metadata }`. */
const THOUGHTS = "reasoning_details";
const THOUGHT_TYPE = "reasoning.text";

/** A finished thought as a field of its message; undefined when nothing must be sent back. */
export function thoughtField(text: string, metadata: Metadata, type: SdkType): Fields {
  if (metadata === undefined) return {};
  return { [THOUGHTS]: [{ type: THOUGHT_TYPE, format: type, text, metadata }] };
}

/** The thoughts of a message that must be sent back. */
export function reasoningParts(message: Fields, type: SdkType): LanguageModelV4ReasoningPart[] {
  const thoughts = message[THOUGHTS];
  if (!Array.isArray(thoughts)) return [];
  return thoughts.flatMap((thought): LanguageModelV4ReasoningPart[] => {
    if (!isFields(thought) || thought["type"] !== THOUGHT_TYPE || thought["format"] !== type) return [];
    const { text, metadata } = thought;
    if (!isFields(metadata)) return [];
    return [
      { type: "reasoning", text: String(text ?? ""), providerOptions: metadata as SharedV4ProviderOptions },
    ];
  });
}

/** Fields of a call, as in Google's own OpenAI-compatible endpoint. */
export function toolCallFields(metadata: Metadata): Fields {
  const signature = metadata?.["google"]?.["thoughtSignature"];
  if (typeof signature !== "string") return {};
  return { extra_content: { google: { thought_signature: signature } } };
}

/** The same, on its way back. */
export function toolCallOptions(
  call: Fields,
  type: SdkType,
): { readonly providerOptions?: SharedV4ProviderOptions } {
  const extra = isFields(call["extra_content"]) ? call["extra_content"]["google"] : undefined;
  const signature = isFields(extra) ? extra["thought_signature"] : undefined;
  if (type !== "google" || typeof signature !== "string") return {};
  return { providerOptions: { google: { thoughtSignature: signature } } };
}

/** Anthropic's `cache_control`, as a field of a part: the provider caches everything up to that part. */
export function cacheOptions(
  part: Fields,
  type: SdkType,
): { readonly providerOptions?: SharedV4ProviderOptions } {
  const control = part["cache_control"];
  if (type !== "anthropic" || !isFields(control)) return {};
  return { providerOptions: { anthropic: { cacheControl: control as SharedV4ProviderOptions[string] } } };
}
