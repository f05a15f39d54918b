/**
 * A request in the form that its provider accepts. Pure: the same request always gives the same bytes, which providers
 * cache. None of it reaches the client, whose own ids and texts stay unchanged.
 */
import type { ModelOptions } from "../../config/config.ts";
import type { Log } from "../../log.ts";
import type { ChatModel, Fields, ModelRequest } from "../model.ts";
import { shapeMessages } from "./messages.ts";
import { shapeParams } from "./params.ts";
import type { Traits } from "./quirk.ts";
import { shapeOwnTools, shapeTools } from "./tools.ts";

/** The model, called with requests in the form that its provider accepts. */
export function shaped(
  model: ChatModel,
  traits: Traits,
  { options, log }: { readonly options: ModelOptions; readonly log: Pick<Log, "warn"> | undefined },
): ChatModel {
  let isWarned = false;
  return {
    name: model.name,
    stream(request, signal) {
      const sent = shapeRequest(request, traits, options);
      if (sent.tools.length < request.tools.length && !isWarned) {
        isWarned = true;
        log?.warn(
          { model: model.name, tools: request.tools.length, offered: sent.tools.length },
          "a model is offered fewer tools than there are, as its provider takes no more; allow fewer, or use the mode code",
        );
      }
      return model.stream(sent, signal);
    },
  };
}

/** A request whose answer is passed on unread is sent as it came, except for the settings of the configuration. */
function shapeRequest(request: ModelRequest, traits: Traits, options: ModelOptions): ModelRequest {
  if (request.raw)
    return { ...request, tools: shapeOwnTools(request, traits), params: configured(request.params, options) };
  const tools = shapeTools(request, traits);
  const { params, instructions } = shapeParams(configured(request.params, options), tools, traits);
  const messages = instructions === null ? request.messages : [...request.messages, instructions];
  return { ...request, tools, params, messages: shapeMessages(messages, tools, traits) };
}

function configured(params: Fields, { omit = [], set = {} }: ModelOptions): Fields {
  const kept = Object.entries(params).filter(([name]) => !omit.includes(name));
  return { ...Object.fromEntries(kept), ...set };
}
