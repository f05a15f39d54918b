/** What `toolarium --help` prints. */
export const usage = `Usage: toolarium [serve] [--config FILE] [--host HOST] [--port PORT]
       toolarium run FILE|- [--config FILE] [--json] [--input JSON]
       toolarium mcp [--face code|tools] [--config FILE | --url URL]
       toolarium audit [--config FILE] [--json] [--tool ID] [--server NAME] [--decision WORD] [--run RUN]
                       [--from TIME] [--to TIME] [--limit N]
       toolarium audit --verify [--config FILE] [--json] [--run RUN]
       toolarium replay RUN [--config FILE] [--json]

  serve    Start the gateway. Without a configuration it serves the demo on http://127.0.0.1:8080.
  run      Run one program without a server. Console lines and remarks go to stderr, the result to stdout as JSON.
  mcp      Be an MCP server on stdin and stdout: with a gateway of its own, or of the one at --url. Key: $TOOLARIUM_KEY.
  audit    List tool calls, the latest first, from the store's file, also while a gateway writes to it.
  replay   Execute a stored run again, offline: no tool is called. Say whether it comes out the same.

  --config FILE    Configuration: JSON with comments. Default: $TOOLARIUM_CONFIG, else the demo.
  --host HOST      Address to listen on. Default 127.0.0.1; any that is not loopback needs keys.
  --port PORT      Port to listen on. Default 8080; 0 picks a free one.
  --json           run, replay: print the whole report. audit: print one JSON object a line.
  --input JSON     The value of the program's global \`input\`.
  --face FACE      code: programs over all tools (default). tools: the tools themselves.
  --url URL        Address of a running gateway, as in http://127.0.0.1:8080.
  --tool ID        Calls of this tool, as in server/tool, or of those that a pattern as in server/* means.
  --server NAME    Calls of this server's tools.
  --decision WORD  Calls that were decided so: auto, approved, denied or result.
  --run RUN        Calls of this run.
  --from TIME      Calls requested at this time or later: 2026-01-31 or 2026-01-31T12:00:00Z.
  --to TIME        Calls requested before this time.
  --limit N        How many calls. Default 50.
  --verify         Compare the stored history with its hash chain instead; 1 when it is not as it was written.
  --help           Print this.
  --version        Print the version.

Log level: TOOLARIUM_LOG = trace, debug, info, warn, error, fatal or silent.
Exit codes: 0 done, 1 program failed, history broken or replay different, 2 usage, 3 configuration, 4 denied, 5 approval needed, 6 limit,
            7 upstream, 70 fault of Toolarium's own, 130 interrupted.
`;
