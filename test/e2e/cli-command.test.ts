import { expect, test } from "vitest";
import { parseCommand, usage } from "../../src/cli/command.ts";
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
  [["run", "--help"], { type: "help" }],
  [["--version"], { type: "version" }],
])("%j is understood", (argv, command) => {
  expect(parseCommand(argv)).toEqual(command);
});

test.each([
  [["start"], 'There is no command "start". The commands are serve and run.'],
  [["run"], "`run` needs a program: a file name, or - for standard input."],
  [["run", "a.ts", "b.ts"], '`run` does not know what to do with "b.ts".'],
  [["serve", "a.ts"], '`serve` does not know what to do with "a.ts".'],
  [["--port", "http"], '--port wants a number from 0 to 65535, not "http".'],
  [["--port", "65536"], '--port wants a number from 0 to 65535, not "65536".'],
  [["--port="], '--port wants a number from 0 to 65535, not "".'],
  [["serve", "--json"], "`serve` has no option --json."],
  [["run", "a.ts", "--port", "1"], "`run` has no option --port."],
  [["run", "a.ts", "--input", "{"], "--input wants JSON:"],
  [["--colour"], "Unknown option '--colour'"],
  [["run", "a.ts", "--input", "{"], "JSON at position 1 (line 1 column 2). Try"],
  [["--config"], "Option '--config <value>' argument missing"],
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
    "--help",
    "--version",
    "130 interrupted",
  ])
    expect(usage).toContain(word);
});
