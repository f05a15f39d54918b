/** `toolarium run`: one program, no server. Console lines, remarks and errors go to stderr, the result to stdout. */

import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { localCaller } from "../access/caller.ts";
import { ToolariumError } from "../errors.ts";
import { createGateway } from "../gateway.ts";
import type { ActiveRun } from "../runs/live/active-run.ts";
import { IN_MEMORY } from "../store/settings.ts";
import type { RunCommand } from "./command.ts";
import { describeFailure, describeRemarks, exitCodeOf } from "./outcome.ts";
import { aborted, createSession, readConfig } from "./session.ts";
import { checkSurroundings } from "./surroundings.ts";
import { toVisible, toVisibleLine } from "./visible.ts";

/**
 * Runs the program as principal `local` under the configuration's policy and limits. Returns the exit code.
 * @throws `usage_error` when the file cannot be read, `config_error`, or the gateway's refusal
 */
export async function runProgram(command: RunCommand): Promise<number> {
  // Before signals are handled: Ctrl+C at the prompt of `run -` has nothing to cancel yet.
  const code = await readProgram(command.file);
  const { log, interrupted } = createSession("warn");
  checkSurroundings();
  const configured = await readConfig(command, log);
  const config = {
    ...configured,
    sandbox: { ...configured.sandbox, workers: 1 },
    // Not the configured file: a gateway that uses it owns the runs in it.
    store: { ...configured.store, path: IN_MEMORY },
  };
  await using gateway = await createGateway({ config, log });
  await Promise.race([gateway.serversSettled, aborted(interrupted)]);

  const { principal, layers } = localCaller(config);
  const run = await gateway.runner.start({
    principal,
    code,
    input: command.input,
    policy: { layers },
    limits: config.limits,
    typecheck: "error",
    approval: "park",
    signal: interrupted,
  });
  await printConsole(run);
  const report = await run.done;
  const shown = command.json ? report : report.status === "completed" ? report.result : undefined;
  if (shown !== undefined) process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  const file = command.file === "-" ? "<stdin>" : command.file;
  // The full report contains them.
  if (!command.json)
    for (const remark of describeRemarks(report, file)) process.stderr.write(`${toVisibleLine(remark)}\n`);
  const message = describeFailure(report, file);
  if (message !== "") process.stderr.write(`${toVisible(message)}\n`);
  return exitCodeOf(report);
}

async function readProgram(file: string): Promise<string> {
  const code =
    file === "-" ? await text(process.stdin) : await readFile(file, "utf8").catch(refuseFile(file));
  if (code.trim() === "") throw new ToolariumError("usage_error", "The program is empty.");
  return code;
}

const unreadable: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "it is a directory",
  EACCES: "this user may not read it",
  EPERM: "this user may not read it",
};

function refuseFile(file: string): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown error";
    const reason = unreadable[code] ?? code;
    const message = `Cannot read the program ${JSON.stringify(file)}: ${reason}.`;
    throw new ToolariumError("usage_error", message, { cause });
  };
}

async function printConsole(run: ActiveRun): Promise<void> {
  for await (const event of run.events())
    if (event.type === "log") process.stderr.write(`${toVisible(event.text)}\n`);
}
