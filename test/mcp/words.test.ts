/** Words of servers and transports before anybody reads them: bounded, and without what only we should know. */
import { describe, expect, it } from "vitest";
import { describeConnectionError } from "../../src/mcp/wire/connection-errors.ts";
import { failureFromRpcError, unwrapResult } from "../../src/mcp/wire/result.ts";

const MANY = 1_000_000;

describe("a failure's message", () => {
  it.each([
    [
      "a tool's own",
      () =>
        unwrapResult(
          { isError: true, content: [{ type: "text", text: "é".repeat(MANY) }] },
          { tool: "t", hasOutputSchema: false },
        ),
    ],
    [
      "a JSON-RPC error's",
      () => ({ failure: failureFromRpcError({ code: -32_603, message: "é".repeat(MANY) }, "t") }),
    ],
  ])("is cut when it is %s and has megabytes, and says so", (_whose, fail) => {
    expect(fail()).toMatchObject({ failure: { message: expect.stringMatching(/^é{8192}… \(1000000 char/) } });
  });
});

describe("what a transport threw", () => {
  it("is told by its first line, without a stack, and cut", () => {
    const error = new Error("it broke\n    at connect (/srv/gateway/src/mcp/hub.ts:1:1)");
    expect(describeConnectionError(error)).toBe("it broke");
    expect(describeConnectionError(new Error("x".repeat(MANY)))).toHaveLength(301);
  });
});
