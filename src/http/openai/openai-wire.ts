/**
 * The wire form of OpenAI's chat completions: parses requests. `openai-answer.ts` writes the answers (replies to the
 * user). No file below these two knows the shapes.
 */
import { z } from "zod";
import type { AgentLimits } from "../../config/config.ts";
import { isMode } from "../../config/modes.ts";
import { ToolariumError } from "../../errors.ts";
import { type ChatMessage, type Fields, isFields } from "../../upstream/model.ts";
import { checkDepth } from "../../upstream/provider/sendable.ts";
import { parseBody, toolPatterns } from "../request/validate.ts";

/** The body of a chat request. */
export interface ChatBody {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly Fields[];
  readonly stream: boolean;
  /** Whether a stream ends with a chunk that holds the usage. */
  readonly includeUsage: boolean;
  /** OpenAI's `n`. */
  readonly choices: number;
  /** The modes that the body names, each with the field that names it. */
  readonly modes: readonly { readonly source: string; readonly mode: unknown }[];
  readonly toolsFilter: readonly string[] | undefined;
  /** Limits of the answer that the caller sets lower than its own. */
  readonly limits: AgentLimits;
  /** All other fields, which go to the provider. */
  readonly params: Fields;
}

const toolsFilter = toolPatterns.nullish();

const answerLimits = z
  .strictObject({
    maxTurns: z.int().min(1, "expected at least 1").exactOptional(),
    maxToolCalls: z.int().min(0, "expected at least 0").exactOptional(),
    maxWallMs: z.int().min(1, "expected at least 1").exactOptional(),
  })
  .nullish();

const chatBody = z.looseObject({
  model: z.string().min(1, "expected the name of a model, got blank text"),
  messages: z.array(z.looseObject({ role: z.string() })).min(1, "expected at least one message"),
  tools: z.array(z.record(z.string(), z.unknown())).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.int().min(1, "expected at least 1").nullish(),
  mode: z.unknown().optional(),
  tools_filter: toolsFilter,
  toolarium: answerLimits,
  // OpenAI's JavaScript client sends this literally; its Python client spreads it into the body.
  extra_body: z
    .looseObject({ mode: z.unknown().optional(), tools_filter: toolsFilter, toolarium: answerLimits })
    .nullish(),
  metadata: z.unknown().optional(),
});

/** @throws `invalid_request` with the field as `param` */
export function parseChatBody(body: unknown): ChatBody {
  const parsed = parseBody(chatBody, body);
  checkDepth(parsed);
  const {
    model,
    messages,
    tools,
    stream,
    mode,
    tools_filter: filter,
    toolarium: limits,
    extra_body,
    metadata,
    ...rest
  } = parsed;
  const { mode: extraMode, tools_filter: extraFilter, toolarium: extraLimits, ...extra } = extra_body ?? {};
  const { mode: metadataMode, kept } = readMetadata(metadata);
  if (filter && extraFilter)
    throw new ToolariumError("invalid_request", "tools_filter is given twice, also inside extra_body.", {
      param: "tools_filter",
    });
  return {
    model,
    messages,
    tools: tools ?? [],
    stream: stream ?? false,
    includeUsage: rest.stream_options?.include_usage ?? false,
    choices: rest.n ?? 1,
    modes: [
      { source: "mode", mode },
      { source: "extra_body.mode", mode: extraMode },
      { source: "metadata.mode", mode: metadataMode },
    ],
    toolsFilter: filter ?? extraFilter ?? undefined,
    limits: { ...extraLimits, ...limits },
    params: { ...rest, ...(Object.keys(extra).length === 0 ? {} : { extra_body: extra }), ...kept },
  };
}

/** The metadata belongs to the caller: only a `mode` that the gateway knows is taken out, any other value stays. */
function readMetadata(metadata: unknown): { readonly mode: unknown; readonly kept: Fields } {
  if (metadata === undefined) return { mode: undefined, kept: {} };
  if (!isFields(metadata) || !isMode(metadata["mode"])) return { mode: undefined, kept: { metadata } };
  const { mode, ...others } = metadata;
  return { mode, kept: Object.keys(others).length === 0 ? {} : { metadata: others } };
}
