/**
 * The quirks of providers and models, one row each, with the public report or document about it. To add one, add a row:
 * no other file knows a provider's name. Later rows win, so rows about a host follow rows about a model served
 * anywhere.
 */
import type { Quirk } from "./quirk.ts";

const SAMPLING = ["temperature", "top_p", "presence_penalty", "frequency_penalty"];
const PROBABILITIES = ["logprobs", "top_logprobs", "logit_bias"];
/** Fields of OpenAI's own that no other API has. */
const OPENAI_ONLY = [
  ...["store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"],
  ...["verbosity", "modalities", "audio", "web_search_options", "logit_bias"],
];
const STANDARD_FIELDS = ["role", "content", "tool_calls", "tool_call_id"];

const OPENAI =
  /(^|\.)(openai\.com|openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com)$/;
const MISTRAL = /(^|\.)mistral\.ai$/;
const GOOGLE = /(^|\.)googleapis\.com$/;
const XAI = /(^|\.)x\.ai$/;

export const quirkRows: readonly Quirk[] = [
  // Models, wherever they are served.

  // "Unsupported parameter: 'parallel_tool_calls' is not supported with this model", also where it is false:
  // https://github.com/run-llama/llama_index/issues/20865, https://github.com/langchain-ai/langchain/issues/29704
  // Sampling and max_tokens: https://platform.openai.com/docs/guides/reasoning
  {
    models: /(^|[/.])o[134](-|$)/,
    traits: {
      omit: ["parallel_tool_calls", ...SAMPLING, ...PROBABILITIES],
      rename: { max_tokens: "max_completion_tokens" },
    },
  },
  // "Only the default (1) value is supported": https://github.com/QwenLM/qwen-code/issues/224, of 5.4 as well:
  // https://github.com/johny-b/llmcomp/issues/69. 5.1 and 5.2 take others unless they are asked to reason:
  // https://platform.openai.com/docs/guides/latest-model
  { models: /(^|[/.])gpt-5/, traits: { rename: { max_tokens: "max_completion_tokens" } } },
  { models: /(^|[/.])gpt-5(?!-chat|\.[12]|\d)/, traits: { omit: [...SAMPLING, ...PROBABILITIES] } },

  // Pictures: https://platform.openai.com/docs/guides/images-vision. Not in tool messages:
  // https://github.com/openai/openai-openapi/issues/523, https://github.com/OpenHands/OpenHands/issues/7700
  {
    models:
      /(^|[/.])(gpt-4o|chatgpt-4o|gpt-4\.1|gpt-4\.5|gpt-4-turbo|gpt-5|o1(?!-(mini|preview))|o3(?!-mini)|o4)/,
    traits: { images: "user-message" },
  },
  {
    // https://docs.x.ai/docs/guides/image-understanding, https://docs.mistral.ai/capabilities/vision,
    // https://huggingface.co/docs/transformers/model_doc/qwen3_vl, https://ai.google.dev/gemma/docs/core,
    // https://www.llama.com/docs/how-to-guides/vision-capabilities, https://platform.moonshot.ai/docs/guide/use-kimi-vision-model
    models:
      /(^|\/)(grok-4(?!.*code)|pixtral|gemma-?[34]|llama-4|meta-llama\/llama-4|llava|kimi-k2[.-][5-9]|mistral-(medium-3|medium-latest|small-latest|small-3|large-3))|-vl\b|-vl-|[-_]vision/i,
    traits: { images: "user-message" },
  },

  // "Tool call id was … but must be a-z, A-Z, 0-9, with a length of 9", from the templates of the models, too:
  // https://github.com/anomalyco/opencode/issues/1680, https://github.com/ml-explore/mlx-lm/issues/1375
  {
    models: /(^|\/)(open-)?(labs-)?(mistral|mixtral|ministral|magistral|devstral|codestral|pixtral)/i,
    traits: { callIds: "nine", systemFirst: true },
  },
  // "Conversation roles must alternate user/assistant/user/assistant": https://github.com/google/adk-python/issues/1373
  { models: /(^|[/:-])gemma/i, traits: { alternates: true, systemFirst: true } },
  // "System message must be at the beginning": https://github.com/vllm-project/vllm/issues/41114
  { models: /(^|\/)qwen/i, traits: { systemFirst: true } },

  // Anthropic's models behind any API: the root of a schema, ids, empty text.
  // https://github.com/anthropics/claude-code/issues/5973, https://github.com/diegosouzapw/OmniRoute/issues/13552
  {
    models: /(^|[/.])claude/,
    traits: { schemas: "anthropic", callIds: "word", emptyText: false, images: "user-message" },
  },
  { types: ["anthropic"], traits: { schemas: "anthropic", callIds: "word", emptyText: false } },
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolSpecification.html
  { types: ["bedrock"], traits: { schemas: "anthropic", callIds: "word", emptyText: false } },

  // Google's models behind any API: https://ai.google.dev/api/caching#Schema,
  // https://github.com/taylorwilsdon/google_workspace_mcp/issues/1099, https://github.com/google-gemini/gemini-cli/issues/3178
  { models: /(^|[/.])gemini/, traits: { schemas: "gemini", images: "user-message" } },
  // Its own protocol takes JSON Schema: https://ai.google.dev/gemini-api/docs/structured-output#json-schema-support
  { types: ["google"], traits: { schemas: "common", emptyText: false } },

  // "not a valid moonshot flavored json schema": https://github.com/MoonshotAI/kimi-code/issues/2661,
  // https://github.com/CommandCodeAI/command-code/issues/566
  { models: /(^|\/)(kimi|moonshot)/i, traits: { schemas: "moonshot" } },

  // Where a tool's result can hold its pictures itself.
  // https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use#handling-tool-use-and-tool-result-content-blocks
  { types: ["anthropic"], traits: { images: "tool-message" } },
  // https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolResultContentBlock.html
  { types: ["bedrock"], models: /claude|nova-(lite|pro|premier|2)/, traits: { images: "tool-message" } },
  { types: ["google"], models: /gemini/, traits: { images: "tool-message" } },

  // Hosts.

  // "Expected an array with maximum length 128": https://github.com/vishalmysore/Tools4AI/issues/16. Ids of 40 characters
  // and unknown fields of messages: https://platform.openai.com/docs/api-reference/chat/create
  {
    hosts: OPENAI,
    traits: {
      schemas: "openai",
      maxTools: 128,
      callIds: "short",
      developer: true,
      messageFields: [...STANDARD_FIELDS, "name", "refusal", "audio", "function_call"],
    },
  },
  // https://openrouter.ai/docs/api-reference/overview: it knows the role, and passes the rest on.
  { hosts: /(^|\.)openrouter\.ai$/, traits: { developer: true } },

  // "property 'reasoning' is unsupported": https://github.com/karthink/gptel/issues/774,
  // https://github.com/NousResearch/hermes-agent/issues/11089. Fields: https://console.groq.com/docs/openai.
  // "json mode cannot be combined with tool/function calling": https://github.com/vercel/ai/pull/16540
  {
    hosts: /(^|\.)groq\.com$/,
    traits: {
      omit: [...PROBABILITIES, "store", "verbosity", "prompt_cache_key"],
      messageFields: STANDARD_FIELDS,
      names: false,
      thoughts: "drop",
      maxTools: 128,
      formatWithTools: "json-text",
    },
  },

  // "extra_forbidden": https://github.com/Gitlawb/openclaude/issues/739, https://github.com/editor-code-assistant/eca/issues/231,
  // https://github.com/charmbracelet/crush/issues/1590. "Unexpected role 'user' after role 'tool'":
  // https://github.com/BerriAI/litellm/issues/6323. Parameters: https://docs.mistral.ai/api/endpoint/chat
  {
    hosts: MISTRAL,
    traits: {
      omit: [...OPENAI_ONLY, "user", "logprobs", "top_logprobs", "stream_options"],
      rename: { max_completion_tokens: "max_tokens", seed: "random_seed" },
      messageFields: [...STANDARD_FIELDS, "name", "prefix"],
      names: false,
      toolNames: true,
      thoughts: "drop",
      callIds: "nine",
      userAfterTool: false,
      emptyText: false,
      noText: "empty",
    },
  },

  // "The reasoning_content in the thinking mode must be passed back to the API", where tools are offered:
  // https://api-docs.deepseek.com/guides/thinking_mode, https://github.com/Chevey339/kelivo/issues/966. Without tools it is
  // to be left out: https://api-docs.deepseek.com/guides/reasoning_model. "invalid type: sequence, expected a string":
  // https://github.com/BerriAI/litellm/issues/6642. "unknown variant `developer`":
  // https://github.com/losesky/ai-auto-trading/issues/14
  { hosts: /(^|\.)deepseek\.com$/, traits: { thoughts: "with-tools", plainText: true } },

  // "Unknown name …: Cannot find field": https://github.com/Vali-98/ChatterUI/issues/227. Signatures:
  // https://ai.google.dev/gemini-api/docs/thought-signatures. "Function calling with a response mime type …":
  // https://github.com/openai/openai-agents-python/issues/656
  {
    hosts: GOOGLE,
    types: ["openai"],
    traits: {
      omit: [
        ...OPENAI_ONLY,
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "logprobs",
        "top_logprobs",
        "user",
      ],
      strict: false,
      names: false,
      toolNames: true,
      noText: "absent",
      emptyText: false,
      thoughts: "drop",
    },
  },
  { hosts: GOOGLE, models: /gemini-[12]/, traits: { formatWithTools: "json-text" } },
  {
    hosts: GOOGLE,
    types: ["openai"],
    models: /gemini-[3-9]/,
    traits: { signature: "skip_thought_signature_validator" },
  },

  // "Model … does not support parameter presencePenalty", whatever the model: https://github.com/miaoxworld/NativeTavern/issues/83;
  // stop: https://docs.x.ai/docs/guides/reasoning
  {
    hosts: XAI,
    models: /grok-(4|code|3-mini)/,
    traits: { omit: ["presence_penalty", "frequency_penalty", "stop"] },
  },
  // Which hosts accept it was tried: https://github.com/NousResearch/hermes-agent/pull/23435
  {
    hosts: XAI,
    models: /grok-(3(?!-mini)|4(?!\.[3-9]|\.20-multi)|code)/,
    traits: { omit: ["reasoning_effort"] },
  },

  // https://docs.cohere.com/docs/compatibility-api#unsupported-parameters;
  // "parameter 'strict' is not a valid field": https://github.com/OpenRouterTeam/openrouter-examples/issues/71
  {
    hosts: /(^|\.)cohere\.(ai|com)$/,
    traits: {
      omit: [...OPENAI_ONLY, "parallel_tool_calls", "metadata", "n", "top_logprobs", "prediction"],
      strict: false,
    },
  },
  // "user or tool message(s) should alternate with assistant message(s)": https://github.com/perplexityai/api-discussion/issues/265,
  // https://github.com/anomalyco/opencode/issues/9416
  { hosts: /(^|\.)perplexity\.ai$/, traits: { alternates: true, systemFirst: true } },
  // https://inference-docs.cerebras.ai/resources/openai
  {
    hosts: /(^|\.)cerebras\.ai$/,
    traits: {
      omit: ["frequency_penalty", "presence_penalty", "logit_bias", "store"],
      plainText: true,
      formatWithTools: "json-text",
    },
  },
];
