/** What does it cost to use the gateway as an MCP server: its list of 500 tools, and a program beside the native route? */
import { Agent, request } from "undici";
import { configFrom } from "../../../src/config/load.ts";
import { createGateway } from "../../../src/gateway.ts";
import { createHttpServer } from "../../../src/http/server.ts";
import type { LocalTool } from "../../../src/mcp/server.ts";
import { localServer } from "../../../src/sandbox-options.ts";
import { officeCatalog } from "../fixtures/office-tools.ts";
import { ask, both, type Extent, interleave, median, ms, percentiles, tell, timed } from "../measure.ts";
import { keep } from "../tables.ts";

const TOOLS = 500;
const code = "return await get_time({})";
const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const session = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "bench", version: "1" },
};

export async function mcpServer({ short }: Extent): Promise<void> {
  ask(`What does the gateway cost as an MCP server? (${TOOLS} tools, one client, in turn)`);
  const { config } = configFrom({ store: { path: ":memory:" }, server: { port: 0 } }, [
    localServer(await manyTools()),
  ]);
  await using gateway = await createGateway({ config });
  const http = await createHttpServer(gateway);
  const agent = new Agent({ connections: 1 });
  const { url } = await http.listen();
  const post = async (path: string, body: object, more: Record<string, string> = {}) => {
    const answer = await request(url + path, {
      ...{ method: "POST", headers: { ...headers, ...more }, dispatcher: agent, body: JSON.stringify(body) },
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text.slice(0, 200)}`);
    return { text, headers: answer.headers };
  };
  const rpc = (method: string, params: object) => ({ jsonrpc: "2.0", id: 1, method, params });
  const open = async (path: string) => {
    const { headers: answered } = await post(path, rpc("initialize", session));
    return { "mcp-session-id": String(answered["mcp-session-id"]) };
  };
  const envelope = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": { name: "bench", version: "1" },
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  const modern = (method: string, name?: string) => ({
    ...{ "mcp-protocol-version": "2026-07-28", "mcp-method": method },
    ...(name === undefined ? {} : { "mcp-name": name }),
  });
  try {
    const [codeFace, toolsFace] = [await open("/mcp"), await open("/mcp/tools")];
    const call = { name: "run_code", arguments: { code } };
    const acts = {
      "list 500 tools, 2025-11-25": () => post("/mcp/tools", rpc("tools/list", {}), toolsFace),
      "list 500 tools, 2026-07-28": () =>
        post("/mcp/tools", rpc("tools/list", { _meta: envelope }), modern("tools/list")),
      "a program by the native route": () => post("/v1/sandbox/runs", { code }),
      "a program by tools/call, 2025-11-25": () => post("/mcp", rpc("tools/call", call), codeFace),
      "a program by tools/call, 2026-07-28": () =>
        post("/mcp", rpc("tools/call", { ...call, _meta: envelope }), modern("tools/call", "run_code")),
    };
    const taken = await interleave(
      short ? 5 : 300,
      Object.values(acts).map((act) => () => timed(act)),
    );
    const native = median(taken[2] ?? []);
    for (const [index, name] of Object.keys(acts).entries()) {
      const times = taken[index] ?? [];
      tell(name, ...both(percentiles(times)));
      const beside = index > 2 ? ` (${ms(median(times) - native)} more)` : "";
      keep("as an MCP server", name, "p50", `${ms(median(times))}${beside}`);
    }
  } finally {
    await http.close(0);
    await agent.close();
  }
}

/** With one that answers at once. */
async function manyTools(): Promise<readonly LocalTool[]> {
  const { tools } = await officeCatalog(TOOLS - 1);
  const execute = () => null;
  const others = tools.map(({ server, name, description, inputSchema }) => ({
    ...{ name: `${server}_${name}`, description, inputSchema, annotations: {}, execute },
  }));
  const empty = { type: "object", properties: {} };
  const now = {
    name: "get_time",
    description: "The time.",
    inputSchema: empty,
    annotations: {},
    execute: () => 1,
  };
  return [...others, now];
}
