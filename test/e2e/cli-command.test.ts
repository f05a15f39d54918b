import { expect, test } from "vitest";
import { parseCommand } from "../../src/cli/command.ts";
import { usage } from "../../src/cli/usage.ts";
import { ToolariumError } from "../../src/errors.ts";

test.each([
  [[], { type: "serve" }],
  [["serve"], { type: "serve" }],
  [["--config", "a.json"], { type: "serve", configPath: "a.json" }],
  [["serve", "--host", "::1", "--port", "0"], { type: "serve", host: "::1", port: 0 }],
  [["run", "a.ts"], { type: "run", file: "a.ts", json: false }],
  [["run", "-", "--json"], { type: "run", file: "-", json: true }],
  [["run", "--config=b.json", "a.ts"], { type: "run", file: "a.ts", configPath: "b.json", json: false }],
  [["run", "a.ts", "--input", '{"n":[1]}'], { type: "run", file: "a.ts", json: false, input: { n: [1] } }],
  [["run", "a.ts", "--input", "null"], { type: "run", file: "a.ts", json: false, input: null }],
  [["audit"], { type: "audit", json: false, filters: {}, limit: 50 }],
  [
    [
      "audit",
      "--tool",
      "files/*",
      "--decision",
      "denied",
      "--from",
      "1970-01-02",
      "--limit",
      "1000",
      "--json",
    ],
    {
      type: "audit",
      json: true,
      filters: { tool: "files/*", decision: "denied", from: 86_400_000 },
      limit: 1_000,
    },
  ],
  [["audit", "--verify", "--config", "a.json"], { type: "verify", configPath: "a.json", json: false }],
  [["audit", "--run", "run_a", "--verify", "--json"], { type: "verify", json: true, run: "run_a" }],
  [["replay", "run_a"], { type: "replay", run: "run_a", json: false }],
  [["run", "--help"], { type: "help" }],
  [["--version"], { type: "version" }],
])("%j is understood", (argv, command) => {
  expect(parseCommand(argv)).toEqual(command);
});

test.each([
  [["start"], 'There is no command "start". The commands are serve, run, mcp, audit and replay.'],
  [["run"], "`run` needs a program: a file name, or - for standard input."],
  [["run", "a.ts", "b.ts"], '`run` does not know what to do with "b.ts".'],
  [["serve", "a.ts"], '`serve` does not know what to do with "a.ts".'],
  [["--port", "http"], '--port wants a number from 0 to 65535, not "http".'],
  [["--port", "65536"], '--port wants a number from 0 to 65535, not "65536".'],
  [["--port="], '--port wants a number from 0 to 65535, not "".'],
  [["serve", "--json"], "`serve` has no option --json."],
  [["run", "a.ts", "--port", "1"], "`run` has no option --port."],
  [["run", "a.ts", "--input", "{"], "--input wants JSON:"],
  [["run", "a.ts", "--verify"], "`run` has no option --verify."],
  [["audit", "run_a"], '`audit` does not know what to do with "run_a".'],
  [["audit", "--port", "1"], "`audit` has no option --port."],
  [["audit", "--verify", "--tool", "a/b"], "`audit --verify` has no option --tool."],
  [["audit", "--tool", "read"], "--tool: expected the id of a tool"],
  [["audit", "--decision", "maybe"], "--decision: expected one of auto, approved, denied, result"],
  [["audit", "--from", "today"], "--from: expected a time"],
  [["audit", "--from", "2026-01-02", "--to", "2026-01-01"], "--to: expected a time after"],
  [["audit", "--limit", "0"], '--limit wants a whole number from 1 on, not "0".'],
  [["replay"], "`replay` needs the id of a run."],
  [["replay", "run_a", "run_b"], '`replay` does not know what to do with "run_b".'],
  [["--colour"], "There is no option --colour."],
  [["--prot", "1"], "There is no option --prot; did you mean --port?"],
  [["--confg=a.json"], "There is no option --confg; did you mean --config?"],
  [["-p", "80"], "There is no option -p."],
  [["serv"], 'There is no command "serv"; did you mean serve?'],
  [["toolarium.json"], 'There is no command "toolarium.json". A configuration goes behind --config.'],
  [["a.ts"], 'There is no command "a.ts". To run a program: toolarium run a.ts.'],
  [["run", "a.ts", "--input", "{"], "JSON at position 1 (line 1 column 2). Try"],
  [["--config"], "--config needs a value after it."],
])("%j is refused with the reason and a way on", (argv, reason) => {
  const refusal = (): unknown => parseCommand(argv);
  expect(refusal).toThrow(ToolariumError);
  expect(refusal).toThrow(reason);
  expect(refusal).toThrow("Try toolarium --help.");
});

test("the usage text names every option and exit code", () => {
  for (const word of [
    "--config",
    "--host",
    "--port",
    "--json",
    "--input",
    "--tool",
    "--server",
    "--decision",
    "--run",
    "--from",
    "--to",
    "--limit",
    "--verify",
    "--help",
    "--version",
    "130 interrupted",
  ])
    expect(usage).toContain(word);
});
