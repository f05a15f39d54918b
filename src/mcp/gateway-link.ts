/**
 * Connects to another Toolarium as a server, message by message: for `toolarium mcp --url`, whose client does its own
 * handshake.
 */
import {
  isJSONRPCRequest,
  type JSONRPCMessage,
  type RequestId,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from "@modelcontextprotocol/client";

export interface GatewayLink extends AsyncDisposable {
  /**
   * Resolves when the gateway has taken the message. Answers come to `onMessage`.
   * Rejects with a message for the person who set it up: the gateway cannot be reached, or refuses the key.
   */
  send(message: JSONRPCMessage): Promise<void>;
}

export interface GatewayLinkOptions {
  readonly url: URL;
  readonly key: string | undefined;
  readonly onMessage: (message: JSONRPCMessage) => void;
  /** A request that the gateway took, and that no answer will come to: its connection was cut. */
  readonly onLost: (id: RequestId) => void;
}

/** The id of the request that reopens a session: no client uses such an id. */
const REOPENING = "toolarium-reopen";
const INITIALIZED: JSONRPCMessage = { jsonrpc: "2.0", method: "notifications/initialized" };
const NO_SESSION = 404;

export function linkToGateway({ url, key, onMessage, onLost }: GatewayLinkOptions): GatewayLink {
  /** Requests of the client without an answer. */
  const unanswered = new Set<RequestId>();
  /** The client's `initialize` message. */
  let introduction: JSONRPCMessage | undefined;
  let reopening: Promise<void> | undefined;
  let reopened: (() => void) | undefined;
  let transport = open();

  function open(): StreamableHTTPClientTransport {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const opened = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
    opened.onmessage = (message) => {
      if ("result" in message && "protocolVersion" in message.result)
        opened.setProtocolVersion(String(message.result["protocolVersion"]));
      if ("id" in message && message.id === REOPENING) return reopened?.();
      if ("id" in message && !("method" in message) && message.id !== undefined)
        unanswered.delete(message.id);
      onMessage(message);
    };
    return opened;
  }

  const started = (): Promise<void> => transport.start();

  /**
   * Opens another session when the gateway no longer knows this one, as after its restart. The first message to find
   * that out does it.
   */
  async function reopen(): Promise<void> {
    if (introduction === undefined) return;
    const lost = transport;
    transport = open();
    await lost.close();
    await started();
    const answered = new Promise<void>((resolve) => {
      reopened = resolve;
    });
    await transport.send({ ...introduction, id: REOPENING } as JSONRPCMessage);
    await answered;
    await transport.send(INITIALIZED);
  }

  async function deliver(message: JSONRPCMessage): Promise<void> {
    // The gateway answers no request that its client cancelled.
    if ("method" in message && message.method === "notifications/cancelled")
      unanswered.delete(message.params?.["requestId"] as RequestId);
    if (!isJSONRPCRequest(message)) return transport.send(message);
    const { id } = message;
    unanswered.add(id);
    const onRequestStreamEnd = (): void => {
      if (unanswered.delete(id)) onLost(id);
    };
    try {
      await transport.send(message, { onRequestStreamEnd });
    } catch (error) {
      unanswered.delete(id);
      throw error;
    }
  }

  let ready: Promise<void> | undefined;
  return {
    async send(message) {
      ready ??= started();
      await ready;
      await reopening;
      if (isJSONRPCRequest(message) && message.method === "initialize") introduction = message;
      const used = transport;
      try {
        await deliver(message);
      } catch (error) {
        // Opening another session closes the lost one, with all that was being sent in it: the gateway took none of that.
        if (used === transport) {
          if (!(error instanceof SdkHttpError) || error.data.status !== NO_SESSION)
            throw inWords(error, url, key);
          reopening ??= reopen().finally(() => {
            reopening = undefined;
          });
        }
        try {
          await reopening;
          await deliver(message);
        } catch (reason) {
          throw inWords(reason, url, key);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await transport.terminateSession().catch(() => {});
      await transport.close();
    },
  };
}

function inWords(error: unknown, { origin }: URL, key: string | undefined): Error {
  const status = error instanceof SdkHttpError ? error.data.status : undefined;
  if (error instanceof UnauthorizedError || status === 401)
    return new Error(
      `The gateway at ${origin} ${key === undefined ? "asks for a key" : "does not know this key"}. Set TOOLARIUM_KEY to one of its keys.`,
    );
  if (error instanceof SdkHttpError) {
    return new Error(`The gateway at ${origin} answered ${status}: ${detailOf(error.data["text"])}`);
  }
  return new Error(`There is no gateway at ${origin} that answers. Start it, or correct --url.`, {
    cause: error,
  });
}

/** The gateway's refusals say what to do. */
function detailOf(text: unknown): string {
  try {
    const { detail } = JSON.parse(String(text)) as { readonly detail?: unknown };
    if (typeof detail === "string") return detail;
  } catch {}
  return String(text ?? "").slice(0, 500);
}
