/** `/mcp/tools` with the official clients: the allowed tools themselves, under the same gate as everywhere. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../http/helpers/server.ts";
import { type ClientSettings, connectLegacy, revisions } from "./helpers/clients.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe.each(revisions)("a client of revision %s", (_revision, connect) => {
  const open = (settings: ClientSettings = {}) => connect(server.url, { path: "/mcp/tools", ...settings });

  test("is shown the tools under the names that models know", async () => {
    await using client = await open();
    const tools = await client.list();
    const names = tools.map(({ name }) => name);
    expect(names).toContain("files__read");
    expect(names).toContain("slow__hold");
    expect(names).toContain("resume_run");
    expect(names).not.toContain("run_code");
    expect(tools.find(({ name }) => name === "files__read")?.inputSchema).toMatchObject({
      type: "object",
      required: ["path"],
    });
  });

  test("gets what a tool gives, and what it fails with", async () => {
    await using client = await open();
    expect(await client.call("files__read", { path: "a" })).toMatchObject({
      content: [{ type: "text", text: "the text" }],
    });
    const failed = await client.call("files__fail");
    expect(failed).toMatchObject({ isError: true });
    expect(failed.content[0].text).toContain("the disk is full");
    const wrong = await client.call("files__read", { path: 7 });
    expect(wrong).toMatchObject({ isError: true });
    expect(JSON.parse(wrong.content[0].text).error.kind).toBe("invalid_arguments");
    const [call] = (await server.send("/v1/audit?limit=1")).body.data;
    expect(call).toMatchObject({ tool: "files/read" });
  });

  test("asks its person before a call that needs one", async () => {
    const calls = server.tools.calls.length;
    await using denying = await open({ onForm: () => ({ action: "decline" }) });
    expect(await denying.call("files__write", { path: "a" })).toMatchObject({ isError: true });
    expect(server.tools.calls.length).toBe(calls);

    await using client = await open({
      onForm: () => ({ action: "accept", content: { decision: "approve", "arguments.path": "edited" } }),
    });
    const answer = await client.call("files__write", { path: "a" });
    expect(JSON.parse(answer.content[0].text)).toEqual({ written: true });
    expect(server.tools.calls.at(-1)).toEqual({ tool: "files/write", args: { path: "edited" } });
  });

  test("without forms is told what waits, and how to go on", async () => {
    await using client = await open();
    const answer = await client.call("files__write", { path: "waits" });
    const { run, pending } = answer.structuredContent;
    expect(answer.content[0].text).toContain("resume_run");
    await server.send(`/v1/runs/${run}/calls/${pending[0].call}`, { body: { decision: "approve" } });
    const { structuredContent } = await client.call("resume_run", { run });
    expect(structuredContent).toMatchObject({ status: "completed", result: { written: true } });
  });

  test("is refused what its filters leave out, by the rule", async () => {
    await using client = await open({ path: "/mcp/tools?tools=files/list,files/read" });
    expect((await client.list()).map(({ name }) => name)).toEqual(["files__list", "files__read"]);
    const refused = await client.call("files__fail");
    expect(JSON.parse(refused.content[0].text).error).toMatchObject({ kind: "denied" });
    expect(refused.content[0].text).toContain("?tools");
  });
});

test("names stand alone where mcp.unprefixed says so and no other tool has them", async () => {
  await using server = await startServer({ mcp: { unprefixed: true } });
  await using client = await connectLegacy(server.url, { path: "/mcp/tools" });
  expect((await client.list()).map(({ name }) => name)).toEqual(
    expect.arrayContaining(["read", "write", "hold"]),
  );
  expect(await client.call("read", { path: "a" })).toMatchObject({ content: [{ text: "the text" }] });
});
