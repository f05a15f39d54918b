import { expect, test } from "vitest";
import { configFrom } from "../src/config/load.ts";
import { redactions } from "../src/config/secrets.ts";
import { createGateway } from "../src/gateway.ts";
import { createHidingLog } from "../src/hiding-log.ts";
import { createLog } from "../src/log.ts";
import { createSandbox } from "../src/sandbox.ts";

/** A configuration with another canary in each place where a secret can stand. */
const { config } = configFrom({
  mcpServers: {
    child: { command: "x", env: { TOKEN: "canary-env", PEM: "-----BEGIN\ncanary-pem-line-1\n-----END" } },
    remote: {
      url: "http://canary-user:canary%21pass@a/mcp?token=canary%2Fquery",
      headers: {
        Authorization: "Bearer canary-bearer",
        "X-Key": "canary-header",
        "X-Basic": `Basic ${btoa("ann:canary-basic")}`,
      },
    },
    sse: { type: "sse", url: "http://a/sse", headers: { "X-Key": "canary-sse" } },
  },
  providers: {
    one: {
      baseUrl: "http://canary-login:canary-word@b/v1",
      apiKey: "canary-api-key",
      headers: { "x-key": "Token canary-provider" },
      proxy: "http://u:canary%40proxy@c",
      models: ["m"],
    },
    many: { baseUrl: "http://b/v1", apiKeys: [{ key: "canary-key-1" }, { key: "canary-key-2" }] },
    cloud: {
      type: "bedrock",
      region: "eu-west-1",
      accessKeyId: "canary-access",
      secretAccessKey: "canary-signing",
      sessionToken: "canary-session",
    },
  },
  keys: [{ name: "bot", key: "canary-of-the-bot-0123456789" }],
});

const canaries = [
  "canary-env",
  "canary-pem-line-1",
  "canary-user",
  "canary%21pass",
  "canary!pass",
  "canary/query",
  "canary%2Fquery",
  "canary-bearer",
  "canary-header",
  "canary-basic",
  btoa("ann:canary-basic"),
  "canary-sse",
  "canary-login",
  "canary-word",
  "canary-api-key",
  "canary-provider",
  "canary%40proxy",
  "canary@proxy",
  "canary-key-1",
  "canary-key-2",
  "canary-access",
  "canary-signing",
  "canary-session",
  "canary-of-the-bot-0123456789",
];

function open(): { readonly lines: string[]; readonly log: ReturnType<typeof createHidingLog> } {
  const lines: string[] = [];
  const log = createHidingLog(createLog("trace", { write: (line) => void lines.push(line) }));
  log.hide(redactions(config));
  return { lines, log };
}

test.for(canaries)("no way of logging shows %s", (canary) => {
  const { lines, log } = open();
  const cause = Object.assign(new Error(`cause ${canary}`), { address: canary });
  const error = Object.assign(new TypeError(`fetch of ${canary} failed`, { cause }), {
    code: "E1",
    socket: { remote: [canary] },
  });
  log.fatal(canary);
  log.error({ err: error, run: "run_1" }, `with ${canary}`);
  log.error({ err: new AggregateError([error], canary) });
  log.warn({ reason: `it said "${canary}"`, [canary]: 1 }, "of %s", canary);
  log.info(error);
  log.debug({ deep: { list: [{ text: `\n${canary}\t` }] } });
  log.trace([canary]);
  expect(lines).toHaveLength(7);
  expect(lines.filter((line) => line.includes(canary) || line.includes("canary"))).toEqual([]);
});

test("what is no secret stays: the class, message, stack, code and cause of an error, and every field", () => {
  const { lines, log } = open();
  const error = Object.assign(new TypeError("it broke", { cause: new Error("deep down") }), { code: "E1" });
  log.error({ err: error, run: "run_1", ms: 5, ok: null, big: 12n }, "a message");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    msg: "a message",
    run: "run_1",
    ms: 5,
    ok: null,
    err: {
      type: "TypeError",
      code: "E1",
      message: "it broke: deep down",
      stack: expect.stringMatching(
        /^TypeError: it broke\n +at .*hiding-log\.test\.ts[\s\S]*Error: deep down/,
      ),
    },
  });
});

test("values that hold themselves, or nothing end there, are logged and end no process", () => {
  const { lines, log } = open();
  const round: { self?: unknown } = {};
  round.self = round;
  const error = new Error("round");
  error.cause = error;
  log.error({ round, err: error, nothing: undefined }, "canary-api-key");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ msg: "[redacted]", err: { type: "Error" } });
});

test("a gateway and a sandbox hide the secrets of their configuration, whatever log they are given", async () => {
  const lines: string[] = [];
  const log = createLog("trace", { write: (line) => void lines.push(line) });
  const settings = configFrom({ keys: [{ name: "bot", key: "canary-of-the-bot-0123456789" }] });
  await using gateway = await createGateway({ config: settings.config, log });
  gateway.log.error({ err: new Error("canary-of-the-bot-0123456789") }, "it failed");

  const mcpServers = { gone: { command: "/no/such/program", env: { TOKEN: "canary-env" } } };
  await using sandbox = await createSandbox({ mcpServers, workers: 1, log });
  await sandbox.run("return 1", {
    onEvent: () => {
      throw new Error("canary-env");
    },
  });
  expect(lines.filter((line) => line.includes("onEvent threw"))).not.toEqual([]);
  expect(lines.filter((line) => line.includes("it failed"))).toHaveLength(1);
  expect(lines.filter((line) => line.includes("canary"))).toEqual([]);
});
