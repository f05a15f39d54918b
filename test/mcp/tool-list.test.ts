import { expect, test } from "vitest";
import { listTools } from "../../src/mcp/tool-list.ts";

test("a tool whose schema is nested too deep to be read is set aside, whatever its size", async () => {
  let deep: unknown = {};
  for (let depth = 0; depth < 100_000; depth++) deep = { type: "object", properties: deep };
  const tools = [
    { name: "deep", inputSchema: { type: "object", properties: deep } },
    { name: "deep_output", inputSchema: { type: "object" }, outputSchema: deep },
    { name: "fine", inputSchema: { type: "object" } },
  ];
  const listing = await listTools(async () => ({ tools }), { trustAnnotations: false });
  expect(listing.tools.map(({ name }) => name)).toEqual(["fine"]);
  expect(listing.quarantined).toEqual([
    { tool: "deep", reason: "inputSchema is nested more than 200 levels deep" },
    { tool: "deep_output", reason: "outputSchema is nested more than 200 levels deep" },
  ]);
});
