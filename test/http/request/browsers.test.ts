import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sendBytes, sendRaw, startServer, type TestServer } from "../helpers/server.ts";

const program = JSON.stringify({ code: "return await files.write({ path: '/x' })", approval: "deny" });
let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    server: {
      allowedHosts: ["gateway.example", "lan.example:8443"],
      allowedOrigins: ["https://app.example", "null"],
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const own = (): string => `127.0.0.1:${server.port}`;
const json = { "content-type": "application/json" };

describe("Host", () => {
  it.each([
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "169.254.1.1",
  ])("a request for the host %j is refused, so a rebound name reaches nothing", async (host) => {
    const answer = await sendRaw({ port: server.port, path: "/v1/tools", headers: { host } });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body).code).toBe("host_not_allowed");
  });

  it.each([
    "localhost",
    "LOCALHOST:1234",
    "127.0.0.1",
    "[::1]:8080",
    "gateway.example:9",
    "lan.example:8443",
  ])("a request for the host %j is served", async (host) => {
    const answer = await sendRaw({ port: server.port, path: "/v1/tools", headers: { host } });
    expect(answer.status).toBe(200);
  });

  it.each(["Host: \r\n", "Host: evil.example\r\nHost: localhost\r\n", "Host: localhost@evil.example\r\n"])(
    "a request with %j is refused",
    async (header) => {
      const answer = await sendBytes(
        server.port,
        `GET /v1/tools HTTP/1.1\r\n${header}Connection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
    },
  );

  it("a long host is not repeated in the refusal, and browsers may not guess the content type", async () => {
    const headers = { host: `${"x".repeat(8_000)}.example` };
    const answer = await sendRaw({ port: server.port, path: "/v1/tools", headers });
    expect(answer.body.length).toBeLessThan(1_000);
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  it("an allowed host with a port is allowed with that port only", async () => {
    const answer = await sendRaw({
      port: server.port,
      path: "/v1/tools",
      headers: { host: "lan.example:80" },
    });
    expect(answer.status).toBe(403);
  });

  it("a rebound page that is same-origin with itself is refused too", async () => {
    const answer = await sendRaw({
      port: server.port,
      path: "/v1/sandbox/runs",
      method: "POST",
      headers: { host: "evil.example", origin: "http://evil.example", ...json },
      body: program,
    });
    expect(answer.status).toBe(403);
    expect(server.tools.calls).toEqual([]);
  });

  it.each(["/livez", "/readyz"])(
    "%s is served under any host, for probes that know only an address",
    async (path) => {
      const answer = await sendRaw({ port: server.port, path, headers: { host: "10.0.0.7:8080" } });
      expect(answer.status).toBe(200);
    },
  );

  it("an OpenAI path refuses a foreign host in OpenAI's shape", async () => {
    const answer = await sendRaw({
      port: server.port,
      path: "/v1/models",
      headers: { host: "evil.example" },
    });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body).error.code).toBe("host_not_allowed");
  });
});

describe("Origin", () => {
  it.each(["GET", "POST", "DELETE", "OPTIONS", "PUT"])("a foreign page's %s is refused", async (method) => {
    for (const origin of [
      "http://evil.example",
      "null",
      `https://${own()}`,
      "http://127.0.0.1:1",
      "file://",
    ]) {
      const answer = await sendRaw({
        port: server.port,
        path: "/v1/sandbox/runs",
        method,
        headers: { host: own(), origin, ...json },
        ...(method === "POST" ? { body: program } : {}),
      });
      expect([origin, answer.status]).toEqual([origin, 403]);
      expect(JSON.parse(answer.body).code).toBe("origin_not_allowed");
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(server.tools.calls).toEqual([]);
  });

  it("a foreign page cannot make health checks run programs", async () => {
    const answer = await sendRaw({
      port: server.port,
      path: "/readyz",
      headers: { host: own(), origin: "http://evil.example" },
    });
    expect(answer.status).toBe(403);
  });

  it("the gateway's own page is served, without CORS headers", async () => {
    const answer = await sendRaw({
      port: server.port,
      path: "/v1/tools",
      headers: { host: own(), origin: `http://${own()}` },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
  });

  it("a listed origin may read answers, and its preflight is answered without a key", async () => {
    await using keyed = await server.alongside({
      keys: [{ name: "a", key: "k" }],
      server: { allowedOrigins: ["https://app.example"] },
    });
    const preflight = await keyed.send("/v1/sandbox/runs", {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
    expect(preflight.headers.get("vary")).toContain("Origin");

    const headers = { origin: "https://app.example", authorization: "Bearer k" };
    const answer = await keyed.send("/v1/tools", { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });
});

describe("content type", () => {
  it.each([
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "text/plain; application/json",
    "application/json; charset=utf-16",
    "not a type",
  ])("a JSON body sent as %j is refused: forms and no-cors requests can send that", async (type) => {
    const answer = await server.send("/v1/sandbox/runs", {
      body: program,
      headers: { "content-type": type },
    });
    expect(answer.status).toBe(415);
    expect(answer.body.code).toBe("unsupported_media_type");
  });

  it("a body without a content type is refused, with a length and in chunks", async () => {
    const request = { port: server.port, path: "/v1/sandbox/runs", method: "POST", body: program };
    const sized = await sendRaw({
      ...request,
      headers: { host: own(), "content-length": String(program.length) },
    });
    const chunked = await sendRaw({ ...request, headers: { host: own(), "transfer-encoding": "chunked" } });
    expect([sized.status, chunked.status]).toEqual([415, 415]);
  });

  it("the same rule applies to a body on DELETE or GET", async () => {
    for (const method of ["DELETE", "GET"]) {
      for (const length of [{ "content-length": "2" }, { "transfer-encoding": "chunked" }]) {
        const answer = await sendRaw({
          port: server.port,
          path: "/v1/sandbox/runs/run_x",
          method,
          headers: { host: own(), "content-type": "text/plain", ...length },
          body: "{}",
        });
        expect(answer.status).toBe(415);
      }
    }
  });

  it("a compressed body is refused, not misread", async () => {
    const answer = await server.send("/v1/sandbox/runs", {
      body: program,
      headers: { "content-encoding": "gzip" },
    });
    expect(answer.status).toBe(415);
  });

  it("OpenAI paths refuse it in OpenAI's shape", async () => {
    const answer = await server.send("/v1/chat/completions", {
      body: "{}",
      headers: { "content-type": "text/plain" },
    });
    expect(answer.status).toBe(415);
    expect(answer.body.error.code).toBe("unsupported_media_type");
  });

  it.each(["application/json", "Application/JSON; charset=UTF-8"])(
    "a body sent as %j is read",
    async (type) => {
      const answer = await server.send("/v1/sandbox/runs", {
        body: { code: "return 1" },
        headers: { "content-type": type },
      });
      expect(answer.body.result).toBe(1);
    },
  );

  it("none of these requests has called a tool", () => {
    expect(server.tools.calls).toEqual([]);
  });
});
