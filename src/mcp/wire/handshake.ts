/**
 * Tidies what a server says of itself at the start. Little of it is needed, but servers omit fields or write them as
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

/** The name of a server that does not give one. */
export const NAMELESS: string = "(unnamed)";

function tidyInitialize(result: Fields, asked: Fields | undefined): Fields {
  const { protocolVersion, instructions } = result;
  const speaks = typeof protocolVersion === "string" && protocolVersion !== "";
  return {
    // A server that names no revision has not refused the requested one.
    protocolVersion: speaks ? protocolVersion : asked?.["protocolVersion"],
    capabilities: readCapabilities(result),
    serverInfo: readInfo(result["serverInfo"]) ?? { name: NAMELESS, version: "" },
    ...(typeof instructions === "string" ? { instructions } : {}),
  };
}

/** Unchanged unless it names revisions: otherwise it answers another question. */
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

/** The one capability that a gateway for tools needs: whether the server will announce changes. */
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
