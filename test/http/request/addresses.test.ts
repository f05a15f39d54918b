/** Requests of clients with a wrong base URL, and ids of requests. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../helpers/server.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ keys: [{ name: "k", key: "the-key" }] });
});
afterAll(() => server[Symbol.asyncDispose]());

const headers = { authorization: "Bearer the-key" };
const question = {
  model: "builtin/script:code",
  messages: [{ role: "user", content: "```js\nreturn 6 * 7\n```" }],
};

describe("an address with only one possible meaning is served", () => {
  test.each([
    "/chat/completions",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat/completions/",
    "/chat/completions/",
    "//chat/completions?api-version=2024-10-21",
  ])("POST %s", async (path) => {
    const { status, body } = await server.send(path, { body: question, headers });
    expect([status, body.choices?.[0].message.content]).toEqual([200, "42"]);
  });

  test.each(["/models", "/models/", "//v1/models", "/v1/models/"])("GET %s", async (path) => {
    const { status, body } = await server.send(path, { headers });
    expect([status, body.object]).toEqual([200, "list"]);
  });

  test.each(["/models/builtin/script", "/v1/models/builtin%2Fscript"])("GET %s", async (path) => {
    expect((await server.send(path, { headers })).body.id).toBe("builtin/script");
  });

  test.each(["/v1/approvals/", "/v1/sandbox/runs/?limit=1"])("GET %s", async (path) => {
    const { status, body } = await server.send(path, { headers });
    expect([status, Array.isArray(body.data)]).toEqual([200, true]);
  });

  test("the page is served under its address and no other", async () => {
    expect((await server.send("/")).status).toBe(200);
    expect((await server.send("/index.htm", { headers })).status).toBe(404);
  });
});

test.each([
  ["POST", "/v1/responses"],
  ["POST", "/responses"],
  ["POST", "/embeddings"],
  ["POST", "/v1/v1/chat/completions"],
  ["POST", "/api/chat/completions"],
  ["POST", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"],
  ["GET", "/v1/files"],
])(
  "what is not served is refused in OpenAI's shape, with the address as it was written: %s %s",
  async (method, path) => {
    const { status, body } = await server.send(path, {
      method,
      headers,
      ...(method === "POST" ? { body: question } : {}),
    });
    expect([status, body.error.code, body.error.param]).toEqual([404, "not_found", null]);
    expect(body.error.message).toContain(`${method} ${path.split("?", 1)[0]}`);
  },
);

test("a key is also read from the header api-key", async () => {
  expect((await server.send("/v1/models", { headers: { "api-key": "the-key" } })).status).toBe(200);
  expect((await server.send("/v1/models", { headers: { "api-key": "another" } })).status).toBe(401);
});

describe("x-request-id", () => {
  test("the client's own comes back, in responses and in refusals", async () => {
    const own = { ...headers, "x-request-id": "7c1d-42:a" };
    for (const path of ["/v1/models", "/v1/none", "/livez"])
      expect((await server.send(path, { headers: own })).headers.get("x-request-id")).toBe("7c1d-42:a");
    const { headers: refused } = await server.send("/v1/models", { headers: { "x-request-id": "no-key" } });
    expect(refused.get("x-request-id")).toBe("no-key");
  });

  test("a stream has it as well", async () => {
    const { headers: answered } = await server.send("/v1/chat/completions", {
      body: { ...question, stream: true },
      headers: { ...headers, "x-request-id": "stream-1" },
    });
    expect(answered.get("x-request-id")).toBe("stream-1");
  });

  test.each([undefined, "", "with blank", "x".repeat(201), 'quote"d'])(
    "of ours in place of %j",
    async (given) => {
      const { headers: answered } = await server.send("/livez", {
        headers: given === undefined ? {} : { "x-request-id": given },
      });
      expect(answered.get("x-request-id")).toMatch(/^req_[\w-]{16}$/);
    },
  );
});
