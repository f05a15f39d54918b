/**
 * What a server says of itself at the start, of which little is needed: servers leave fields out or write them as
 * null, and the SDK would refuse the whole answer for one of them.
 */

import { isSpecType, type JSONRPCRequest, SERVER_INFO_META_KEY } from "@modelcontextprotocol/client";
import { isRecord } from "../../json.ts";
import type { AnswerBody, Fields } from "./read-message.ts";

export function tidyHandshake(request: JSONRPCRequest, body: AnswerBody): AnswerBody {
  if (!("result" in body)) return body;
  switch (request.method) {
    case "initialize":
      return { result: tidyInitialize(body.result, request.params) };
    case "server/discover":
      return { result: tidyDiscover(body.result) };
    default:
      return body;
  }
}

/** Stands for a server that does not say who it is. */
export const NAMELESS: string = "(unnamed)";

function tidyInitialize(result: Fields, asked: Fields | undefined): Fields {
  const { protocolVersion, instructions } = result;
  const speaks = typeof protocolVersion === "string" && protocolVersion !== "";
  return {
    // A server that names no revision has not refused the one it was asked for.
    protocolVersion: speaks ? protocolVersion : asked?.["protocolVersion"],
    capabilities: readCapabilities(result),
    serverInfo: readInfo(result["serverInfo"]) ?? { name: NAMELESS, version: "" },
    ...(typeof instructions === "string" ? { instructions } : {}),
  };
}

/** Left as it is unless it names revisions: then it is an answer to another question. */
function tidyDiscover(result: Fields): Fields {
  const { supportedVersions, instructions } = result;
  if (!Array.isArray(supportedVersions)) return result;
  const meta = isRecord(result["_meta"]) ? result["_meta"] : {};
  const info = readInfo(meta[SERVER_INFO_META_KEY]);
  return {
    resultType: "complete",
    ttlMs: 0,
    cacheScope: "private",
    supportedVersions: supportedVersions.filter((version) => typeof version === "string"),
    capabilities: readCapabilities(result),
    ...(typeof instructions === "string" ? { instructions } : {}),
    ...(info === undefined ? {} : { _meta: { [SERVER_INFO_META_KEY]: info } }),
  };
}

/** Of all that a server can do, a gateway for tools asks one thing: whether it will tell of changes. */
function readCapabilities({ capabilities }: Fields): Fields {
  const tools = isRecord(capabilities) ? capabilities["tools"] : undefined;
  if (!isRecord(tools)) return {};
  return { tools: tools["listChanged"] === true ? { listChanged: true } : {} };
}

function readInfo(info: unknown): Fields | undefined {
  if (!isRecord(info) || typeof info["name"] !== "string" || info["name"] === "") return undefined;
  const { name, version } = info;
  const plain = { name, version: typeof version === "string" ? version : "" };
  return isSpecType.Implementation(plain) ? plain : undefined;
}
