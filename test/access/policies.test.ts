import { expect, test } from "vitest";
import { presentLayers } from "../../src/access/base-layers.ts";
import { identifyByKey } from "../../src/access/identify.ts";
import { requestPolicy } from "../../src/access/request-policy.ts";
import { refusingRule } from "../../src/tools/policy.ts";
import { withKeys } from "./helpers/keys.ts";

test("a request narrows what configuration and key allow, and never widens it", async () => {
  const caller = await identifyByKey(withKeys({ tools: { allow: ["files/*"] } }))({ token: "bot-key" });
  const policy = requestPolicy(caller, {
    headers: { "x-mcp-include-tools": "files/read,db/query", accept: "*/*" },
    toolsFilter: ["*"],
  });
  expect(policy.layers.map(({ rule }) => rule)).toEqual([
    "tools.allow",
    'key "bot"',
    "x-mcp-include-tools",
    "tools_filter",
  ]);
  expect(refusingRule("files/read", policy)).toBeUndefined();
  expect(refusingRule("files/write", policy)).toBe("x-mcp-include-tools");
  expect(refusingRule("db/query", policy)).toBe('key "bot"');
});

test("a caller that filters nothing has what configuration and key allow", async () => {
  const caller = await identifyByKey(withKeys())({ token: undefined });
  expect(requestPolicy(caller, {}).layers).toEqual(caller.layers);
});

test("a filter of another shape is refused with its pointer", async () => {
  const caller = await identifyByKey(withKeys())({ token: undefined });
  expect(() => requestPolicy(caller, { toolsFilter: "files/*" })).toThrow(
    expect.objectContaining({
      code: "invalid_request",
      errors: [expect.objectContaining({ pointer: "/tools_filter" })],
    }),
  );
});

test("a run of a key that is no longer configured may use nothing any more", () => {
  const config = withKeys({ tools: { allow: ["files/*"] } });
  expect(refusingRule("files/read", { layers: presentLayers(config, "bot") })).toBeUndefined();
  expect(refusingRule("files/read", { layers: presentLayers(config, null) })).toBeUndefined();
  expect(refusingRule("files/read", { layers: presentLayers(config, "gone") })).toBe(
    'the key "gone", which is no longer configured,',
  );
});
