/**
 * The page at `/`: static files of `src/playground`, read once at the start. They hold no data and no inline code, so
 * they may be served to anybody, under a content security policy that lets the page talk to its own gateway only.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const FOLDER = new URL("../playground/", import.meta.url);

const contentTypes = {
  "index.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "gateway.js": "text/javascript; charset=utf-8",
  "report.js": "text/javascript; charset=utf-8",
  "examples.js": "text/javascript; charset=utf-8",
  "checking.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

interface PageFile {
  readonly contentType: string;
  readonly content: Buffer;
  readonly etag: string;
}

/** Serves `/` and `/playground/<file>`. Rejects when a file of the page is missing from the installation. */
export async function registerPageRoutes(app: FastifyInstance): Promise<void> {
  for (const [name, contentType] of Object.entries(contentTypes)) {
    const content = await readFile(new URL(name, FOLDER));
    const file = { contentType, content, etag: etagOf(content) };
    const path = name === "index.html" ? "/" : `/playground/${name}`;
    app.get(path, (request, reply) => sendFile(file, request, reply));
  }
}

/** Browsers ask each time (`no-cache`) and mostly hear that nothing changed. */
function sendFile({ contentType, content, etag }: PageFile, request: FastifyRequest, reply: FastifyReply) {
  reply.headers({ ...SECURITY_HEADERS, "cache-control": "no-cache", etag });
  if (request.headers["if-none-match"] === etag) return reply.code(304).send();
  return reply.type(contentType).send(content);
}

function etagOf(content: Buffer): string {
  return `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`;
}
