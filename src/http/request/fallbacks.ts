/** Answers what no route handles: unknown addresses and methods, bodies that are not JSON, bytes that are not HTTP. */
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ToolariumError } from "../../errors.ts";
import { isExact, mayLoseDigits, parseJson } from "../../json.ts";
import { spendTime, whenThereIsTime } from "../../tools/checking/deadline.ts";
import { checkJsonBounds } from "./json-bounds.ts";
import { isOpenAiPath, toProblem } from "./problem.ts";
import { invalidJson, unknownField } from "./validate.ts";

/** Refuses before the body is read, so that a malformed body does not hide that the address is unknown. */
export function refuseUnknownAddresses(app: FastifyInstance): void {
  app.addHook("onRequest", async (request) => {
    if (request.is404) throw notFound(request.method, request.originalUrl);
  });
  app.setNotFoundHandler((request) => {
    throw notFound(request.method, request.originalUrl);
  });
}

function notFound(method: string, url: string): ToolariumError {
  return new ToolariumError("not_found", `There is nothing at ${method} ${url.split("?", 1)[0]}.`);
}

/** `__proto__` keys are dropped from values; as a field of a native body it is unknown. A `constructor` is a name. */
export function parseJsonBodies(app: FastifyInstance): void {
  const parsePlain = app.getDefaultJsonParser("remove", "ignore");
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, text: string, done) => {
    if (text === "") return done(null, undefined);
    const parse = (): void => {
      let outcome: { readonly error: Error | null; readonly body?: unknown };
      try {
        if (text.length > LARGE_CHARS) checkJsonBounds(text);
        outcome = read(request, text);
      } catch (error) {
        // The parser runs outside the request's own handlers, so an error must be caught here.
        outcome = { error: error instanceof Error ? error : new Error(String(error)) };
      }
      done(outcome.error, outcome.body);
    };
    if (text.length <= LARGE_CHARS) parse();
    else void whenThereIsTime().then(() => spendTime(parse));
  });

  function read(request: FastifyRequest, text: string): { error: Error | null; body?: unknown } {
    let outcome: { error: Error | null; body?: unknown } = { error: null };
    void parsePlain(request, text, (error, body) => {
      outcome = { error, body };
    });
    if (outcome.error !== null) return { error: invalidJson(text) };
    if (!isOpenAiPath(request.url) && hasProtoField(text)) return { error: unknownField("__proto__") };
    return mayLoseDigits(text) ? { error: null, body: withoutProto(parseJson(text)) } : outcome;
  }
}

/** Characters above which a body is large. One turn of the event loop parses one large body, then serves others. */
const LARGE_CHARS = 65_536;

/** Works level by level, without recursion, because the depth was not checked yet. */
function withoutProto(body: unknown): unknown {
  for (let level = [body]; level.length > 0; ) {
    const holders = level.filter(
      (item) => typeof item === "object" && item !== null && !isExact(item),
    ) as object[];
    for (const holder of holders) Reflect.deleteProperty(holder, "__proto__");
    level = holders.flatMap((holder) => Object.values(holder));
  }
  return body;
}

/** `text` is JSON. It is parsed a second time only when it has a key that may be `__proto__`. */
function hasProtoField(text: string): boolean {
  if (!/"(?:_|\\u005f)/i.test(text)) return false;
  const body: unknown = JSON.parse(text);
  return typeof body === "object" && body !== null && Object.hasOwn(body, "__proto__");
}

/** Makes every registered address answer other methods with 405 and the list of its own. */
export function collectMethods(app: FastifyInstance): () => void {
  const methodsByUrl = new Map<string, Set<string>>();
  app.addHook("onRoute", ({ url, method }) => {
    const methods = methodsByUrl.get(url) ?? new Set();
    for (const name of [method].flat()) methods.add(name);
    methodsByUrl.set(url, methods);
  });
  return () => {
    void app.after(() => {
      for (const [url, methods] of [...methodsByUrl]) refuseMethods(app, url, [...methods]);
    });
  };
}

function refuseMethods(app: FastifyInstance, url: string, served: readonly string[]): void {
  const others = app.supportedMethods.filter((method) => !served.includes(method));
  const allow = served.toSorted().join(", ");
  app.route({
    url,
    method: others,
    onRequest: async (request, reply) => {
      reply.header("allow", allow);
      throw new ToolariumError(
        "method_not_allowed",
        `This address answers to ${allow}, not to ${request.method}.`,
      );
    },
    handler: async () => {},
  });
}

/** Answers bytes that are not HTTP, or headers that are too long, on the socket, because there is no request. */
export function refuseUnreadable(error: { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = toProblem(new ToolariumError("invalid_request", "This is not a request that can be read."));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
