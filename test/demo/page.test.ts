import { fastify } from "fastify";
import { expect, onTestFinished, test } from "vitest";
import { readPage, registerPageRoutes } from "../../src/http/routes/page-routes.ts";

async function openPage() {
  const app = fastify();
  registerPageRoutes(app, await readPage());
  onTestFinished(() => app.close());
  return { get: (url: string, headers = {}) => app.inject({ url, headers }) };
}

test("everything the page refers to is served, with its content type", async () => {
  const { get } = await openPage();
  const found = new Map<string, string>();
  const waiting = ["/"];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (found.has(url)) continue;
    const answer = await get(url);
    expect(answer.statusCode, url).toBe(200);
    found.set(url, String(answer.headers["content-type"]));
    for (const [, path] of answer.body.matchAll(/(?:src|href)="(\/[^"]+)"/g)) if (path) waiting.push(path);
    for (const [, name] of answer.body.matchAll(/from "\.\/([^"]+)"/g)) waiting.push(`/playground/${name}`);
  }
  expect(Object.fromEntries(found)).toEqual({
    "/": "text/html; charset=utf-8",
    "/playground/icon.svg": "image/svg+xml",
    "/playground/page.css": "text/css; charset=utf-8",
    "/playground/page.js": "text/javascript; charset=utf-8",
    "/playground/gateway.js": "text/javascript; charset=utf-8",
    "/playground/report.js": "text/javascript; charset=utf-8",
    "/playground/examples.js": "text/javascript; charset=utf-8",
    "/playground/checking.js": "text/javascript; charset=utf-8",
    "/playground/use-it-from.js": "text/javascript; charset=utf-8",
    "/playground/clients.js": "text/javascript; charset=utf-8",
  });
});

test("the page may load and call nothing but its own gateway, and holds no inline code", async () => {
  const { get } = await openPage();
  const { headers, body } = await get("/");
  expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
  expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(headers["x-content-type-options"]).toBe("nosniff");
  expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|https?:/);
});

test("a file the browser already has is not sent again", async () => {
  const { get } = await openPage();
  const first = await get("/playground/page.js");
  const again = await get("/playground/page.js", { "if-none-match": String(first.headers.etag) });
  expect([again.statusCode, again.body]).toEqual([304, ""]);
  expect(first.headers["cache-control"]).toBe("no-cache");
});

test.each([
  "/playground/",
  "/playground/page-routes.ts",
  "/playground/..%2f..%2fpackage.json",
  "/playground/../cli.ts",
])("%s is not there", async (url) => {
  const { get } = await openPage();
  expect((await get(url)).statusCode).toBe(404);
});
