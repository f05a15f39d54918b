/** `/mcp` with the official clients of both revisions: what they list, run, are asked, and are told. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../helpers/until.ts";
import { startServer, type TestServer } from "../http/helpers/server.ts";
import { connectLegacy, connectModern, type Form, revisions } from "./helpers/clients.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

describe.each(revisions)("a client of revision %s", (revision, connect) => {
  test("is shown four tools with the declarations, and how to use them", async () => {
    await using client = await connect(server.url);
    const tools = await client.list();
    expect(tools.map(({ name }) => name)).toEqual([
      "run_code",
      "search_tools",
      "describe_tools",
      "resume_run",
    ]);
    expect(tools[0].description).toContain("declare const files: {");
    expect(tools[0].outputSchema?.["required"]).toContain("pending");
    expect(client.revision).toBe(revision);
    expect(client.instructions).toContain("run_code");
    expect(await client.resources()).toEqual(["toolarium://declarations"]);
    expect(await client.read("toolarium://declarations")).toContain("declare const slow: {");
  });

  test("runs a program, and reads the same as text and as structure", async () => {
    await using client = await connect(server.url);
    const code = `console.log("reading"); return { text: await files.read({ path: "a" }) }`;
    const answer = await client.call("run_code", { code });
    expect(answer.isError).toBeUndefined();
    expect(answer.structuredContent).toMatchObject({
      status: "completed",
      result: { text: "the text" },
      error: null,
      logs: ["reading"],
      pending: [],
      run: expect.stringMatching(/^run_/),
      usage: { toolCalls: 1 },
    });
    expect(JSON.parse(answer.content[0].text)).toEqual({
      status: "completed",
      result: { text: "the text" },
      logs: ["reading"],
    });
  });

  test("is told of a type error with its fix before anything ran", async () => {
    await using client = await connect(server.url);
    const before = server.tools.calls.length;
    const answer = await client.call("run_code", { code: `return await files.raed({ path: "a" })` });
    expect(answer).toMatchObject({
      isError: true,
      structuredContent: { status: "failed", error: { code: "type_error", effects: "none", line: 1 } },
    });
    expect(answer.content[0].text).toContain("read");
    expect(server.tools.calls.length).toBe(before);
  });

  test("finds and declares tools", async () => {
    await using client = await connect(server.url);
    const found = await client.call("search_tools", { query: "write" });
    expect(found.content[0].text).toContain("files/write");
    const declared = await client.call("describe_tools", { names: ["files/write"] });
    expect(declared.content[0].text).toContain("write(");
    expect(await client.call("search_tools", {})).toMatchObject({ isError: true });
  });

  test("is told the calls and console lines as they happen", async () => {
    await using client = await connect(server.url);
    const told: string[] = [];
    const code = `await files.list({}); console.log("half way"); return 1`;
    await client.call("run_code", { code }, { onProgress: (message) => told.push(message) });
    expect(told).toEqual(["files/list …", "files/list: ok", "half way"]);
  });

  test("cancels the run and its calls when it gives up", async () => {
    await using client = await connect(server.url);
    const before = server.tools.aborted();
    const controller = new AbortController();
    const called = server.tools.calls.length;
    const answer = client.call(
      "run_code",
      { code: "return await slow.hold({})" },
      { signal: controller.signal },
    );
    answer.catch(() => {});
    await until("the call is made", () => server.tools.calls.length > called || undefined);
    controller.abort();
    await expect(answer).rejects.toThrow();
    await until("the call is aborted", () => server.tools.aborted() > before);
    const [last] = (await server.send("/v1/sandbox/runs?limit=1")).body.data;
    expect(last.status).toBe("cancelled");
  });

  test("asks its person, whose approval lets the program go on", async () => {
    const forms: Form[] = [];
    await using client = await connect(server.url, {
      onForm(form) {
        forms.push(form);
        return { action: "accept", content: { decision: "approve" } };
      },
    });
    const answer = await client.call("run_code", { code: `return await files.write({ path: "x" })` });
    expect(answer.structuredContent).toMatchObject({ status: "completed", result: { written: true } });
    expect(forms).toHaveLength(1);
    expect(forms[0]?.message).toContain("files/write");
    expect(forms[0]?.requestedSchema.properties["arguments.path"]).toMatchObject({
      title: "path",
      default: "x",
    });
  });

  test("sends the arguments that its person edited", async () => {
    await using client = await connect(server.url, {
      onForm: () => ({ action: "accept", content: { decision: "approve", "arguments.path": "y" } }),
    });
    await client.call("run_code", { code: `return await files.write({ path: "x" })` });
    expect(server.tools.calls.at(-1)).toEqual({ tool: "files/write", args: { path: "y" } });
  });

  test("asks again when the answer is none, and a denial reaches the program", async () => {
    const messages: string[] = [];
    await using client = await connect(server.url, {
      onForm({ message }) {
        messages.push(message);
        return messages.length === 1
          ? { action: "accept", content: { reason: "?" } }
          : { action: "accept", content: { decision: "deny", reason: "not today" } };
      },
    });
    const code = `try { return await files.write({ path: "x" }) } catch (error) { return [error.kind, error.message] }`;
    const { structuredContent } = await client.call("run_code", { code });
    expect(structuredContent.result).toEqual(["denied", expect.stringContaining("not today")]);
    expect(messages).toHaveLength(2);
    expect(messages[1]).toContain(`Choose "approve" or "deny"`);
  });

  test("without forms is told what waits, and goes on after a decision elsewhere", async () => {
    await using client = await connect(server.url);
    const answer = await client.call("run_code", { code: `return await files.write({ path: "z" })` });
    expect(answer.isError).toBeUndefined();
    const { run, pending, status } = answer.structuredContent;
    expect(status).toBe("waiting");
    expect(pending).toMatchObject([{ tool: "files/write", arguments: { path: "z" } }]);
    expect(answer.content[0].text).toContain(`call resume_run with {"run": "${run}"}`);
    expect(answer.content[0].text).toContain(`${server.url}/`);

    expect((await client.call("resume_run", { run })).structuredContent.status).toBe("waiting");
    const decided = await server.send(`/v1/runs/${run}/calls/${pending[0].call}`, {
      body: { decision: "approve" },
    });
    expect(decided.status).toBe(200);
    // Another client of the same principal finds it as well.
    await using other = await connect(server.url);
    expect((await other.call("resume_run", { run })).structuredContent).toMatchObject({
      status: "completed",
      result: { written: true },
    });
  });

  test("that closes the form leaves the run waiting, and a later one is asked again", async () => {
    let run = "";
    {
      await using client = await connect(server.url, { onForm: () => ({ action: "cancel" }) });
      const answer = await client.call("run_code", { code: `return await files.write({ path: "late" })` });
      expect(answer.structuredContent.status).toBe("waiting");
      run = answer.structuredContent.run;
    }
    await using client = await connect(server.url, {
      onForm: () => ({ action: "accept", content: { decision: "approve" } }),
    });
    const answer = await client.call("resume_run", { run });
    expect(answer.structuredContent).toMatchObject({ status: "completed", result: { written: true } });
  });

  test("whose answer got lost finds its run among its latest, though it never had the id", async () => {
    await using client = await connect(server.url);
    const { run } = (await client.call("run_code", { code: "return 42" })).structuredContent;
    const waiting = await server.send("/v1/approvals");
    expect(waiting.body.data).toEqual([]);
    const listed = await client.call("resume_run", {});
    expect(listed.isError).toBe(true);
    expect(listed.content[0].text).toContain("No run of yours waits for a person. These are your latest");
    expect(listed.content[0].text).toContain(run);
    expect((await client.call("resume_run", { run })).structuredContent).toMatchObject({ result: 42 });
  });

  test("is told which tools there are when it asks for one that is not", async () => {
    await using client = await connect(server.url);
    await expect(client.call("run_cod")).rejects.toThrow(/There is no tool "run_cod".*run_code/);
    expect(await client.call("resume_run", { run: "run_nobody" })).toMatchObject({ isError: true });
  });
});

test("a gateway that stops answers those whose person is being asked, and the run waits on", async () => {
  const face = await server.alongside({});
  const shown = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  await using client = await connectLegacy(face.url, {
    onForm() {
      shown.resolve();
      return never;
    },
  });
  const answer = client.call("run_code", { code: `return await files.write({ path: "stop" })` });
  await shown.promise;
  await face.http.close(5_000);
  const { status, run } = (await answer).structuredContent;
  expect(status).toBe("waiting");
  expect((await server.send(`/v1/sandbox/runs/${run}`)).body.status).toBe("waiting");
});

test("a client that gives up while its person is asked leaves the run waiting", async () => {
  const shown = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  const controller = new AbortController();
  await using client = await connectLegacy(server.url, {
    onForm() {
      shown.resolve();
      return never;
    },
  });
  const { signal } = controller;
  const answer = client.call("run_code", { code: `return await files.write({ path: "gone" })` }, { signal });
  answer.catch(() => {});
  await shown.promise;
  controller.abort();
  await expect(answer).rejects.toThrow();
  await using other = await connectModern(server.url, {
    onForm: () => ({ action: "accept", content: { decision: "approve" } }),
  });
  const { data } = (await server.send("/v1/approvals")).body;
  const { run } = data.find(({ arguments: args }: { arguments: { path: string } }) => args.path === "gone");
  expect((await other.call("resume_run", { run })).structuredContent.status).toBe("completed");
});
