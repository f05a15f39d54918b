/**
 * The page at `/`: static files of `src/playground`, read once before the server listens. They hold no data and no
 * inline code, so everybody may read them. The content security policy lets the page connect to its own gateway only.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const FOLDER = new URL("../../playground/", import.meta.url);

const contentTypes = {
  "index.html": "text/html; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "gateway.js": "text/javascript; charset=utf-8",
  "report.js": "text/javascript; charset=utf-8",
  "examples.js": "text/javascript; charset=utf-8",
  "checking.js": "text/javascript; charset=utf-8",
  "use-it-from.js": "text/javascript; charset=utf-8",
  "clients.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

export interface PageFile {
  readonly path: string;
  readonly contentType: string;
  readonly content: Buffer;
  readonly etag: string;
}

/** Rejects when a file of the page is missing from the installation. */
export function readPage(): Promise<readonly PageFile[]> {
  return Promise.all(
    Object.entries(contentTypes).map(async ([name, contentType]) => {
      const content = await readFile(new URL(name, FOLDER));
      const path = name === "index.html" ? "/" : `/playground/${name}`;
      return { path, contentType, content, etag: etagOf(content) };
    }),
  );
}

/** Serves `/` and `/playground/<file>` without a key. The page itself asks the user for one. */
export function registerPageRoutes(app: FastifyInstance, files: readonly PageFile[]): void {
  for (const file of files)
    app.get(file.path, { config: { keyless: true } }, (request, reply) => sendFile(file, request, reply));
}

/** Browsers revalidate every time (`no-cache`) and mostly get a 304. */
function sendFile({ contentType, content, etag }: PageFile, request: FastifyRequest, reply: FastifyReply) {
  reply.headers({ ...SECURITY_HEADERS, "cache-control": "no-cache", etag });
  if (request.headers["if-none-match"] === etag) return reply.code(304).send();
  return reply.type(contentType).send(content);
}

function etagOf(content: Buffer): string {
  return `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`;
}
