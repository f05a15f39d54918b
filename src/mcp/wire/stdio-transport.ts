/**
 * An MCP server as a child process: newline-separated JSON-RPC on its stdin and stdout.
 *
 * The SDK has such a transport too; this one is stricter, as a gateway must be. The child gets only four variables of
 * our environment. It leads a process group of its own, so that the processes it starts (`npx` starts a shell that
 * starts the server) end with it. It is certainly gone after `close()`. Its exit shows its end, not its pipes, which a
 * grandchild may hold open. Its stderr is always read, so that a full pipe can never stall it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { basename } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { describeShortage } from "../../../sandbox/index.ts";
import { NotSentError } from "./connection-errors.ts";
import { type GatheredBytes, gatherBytes } from "./gathered-bytes.ts";
import { createMeter, type MessageBounds, type MessageMeter } from "./message-bounds.ts";
import { endGroup, killGroupAtExit } from "./process-group.ts";

export interface StdioCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Overrides the four inherited variables. */
  readonly env: { readonly [name: string]: string };
  readonly cwd?: string;
}

export interface LineReading {
  /** The messages in a line on stdout: servers print banners and warnings there, too. */
  readonly read: (line: string) => readonly JSONRPCMessage[];
  /** What takes the place of a line that is too long. Asked again with its end, unless it knew by the head. */
  readonly refuse: (
    ends: { readonly head: string; readonly tail?: string },
    reason: string,
  ) => readonly JSONRPCMessage[];
  readonly bounds: MessageBounds;
}

export class StdioTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: Transport["onmessage"];

  /** The SDK treats a transport with `stderr` and `pid` as stdio: silence then means an old server, not an outage. */
  readonly stderr = null;

  readonly #command: StdioCommand;
  readonly #reading: LineReading;
  readonly #meter: MessageMeter;
  #child: Child | undefined;
  #stderrTail = "";
  #stderrCut = false;
  readonly #line: GatheredBytes = gatherBytes();
  #refused: RefusedLine | undefined;
  #exit: string | null = null;
  #ended = false;
  #closing: Promise<void> | undefined;

  constructor(command: StdioCommand, reading: LineReading) {
    this.#command = command;
    this.#reading = reading;
    this.#meter = createMeter(reading.bounds);
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** How the process ended, e.g. `its process exited with code 1`; null while it runs. */
  get exit(): string | null {
    return this.#exit;
  }

  /** The end of what the process wrote to stderr, whole lines where it was cut. */
  get stderrTail(): string {
    return this.#stderrCut ? this.#stderrTail.slice(this.#stderrTail.indexOf("\n") + 1) : this.#stderrTail;
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawnLeader(this.#command);
      this.#child = child;
      child.once("spawn", () => {
        if (child.pid !== undefined) killGroupAtExit(child.pid);
        resolve();
      });
      child.once("error", (error) => {
        this.#exit ??= describeSpawnError(this.#command.command, error);
        reject(new Error(this.#exit));
      });
      child.once("exit", (code, signal) => this.#onExit(child, code, signal));
      child.stdin.on("error", () => this.#onInputClosed());
      child.stdout.on("data", (chunk: Buffer) => this.#onStdout(chunk));
      child.stderr.setEncoding("utf8").on("data", (text: string) => this.#onStderr(text));
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    return new Promise((resolve, reject) => {
      if (this.#exit !== null || this.#closing !== undefined || stdin === undefined || !stdin.writable)
        reject(new NotSentError(this.#exit ?? "its process is not running"));
      // The connection ends after a failed write, and its end says more.
      else stdin.write(toLine(message), () => resolve());
    });
  }

  /** Closes its stdin and then ends its process group, within two seconds. */
  close(): Promise<void> {
    this.#closing ??= this.#terminate();
    return this.#closing;
  }

  async #terminate(): Promise<void> {
    const child = this.#child;
    if (child?.pid !== undefined) {
      child.stdin.end();
      await endGroup(child.pid);
    }
    this.#end();
  }

  #onExit(child: Child, code: number | null, signal: string | null): void {
    this.#exit ??=
      signal === null ? `its process exited with code ${code}` : `its process was ended by ${signal}`;
    // The last output may still be in the pipes, or a grandchild may hold them open for ever.
    const timer = setTimeout(() => this.#afterExit(), LAST_OUTPUT_MS);
    child.once("close", () => {
      clearTimeout(timer);
      this.#afterExit();
    });
  }

  /** Usually the process is ending; if it is not, it can no longer receive anything. */
  #onInputClosed(): void {
    setTimeout(() => {
      this.#exit ??= "it closed its input";
      void this.close();
    }, LAST_OUTPUT_MS).unref();
  }

  #afterExit(): void {
    this.#end();
    // Also ends what the process left behind in its group.
    void this.close();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#meter.reset();
    this.#child?.stdout.destroy();
    this.#child?.stderr.destroy();
    this.onclose?.();
  }

  #onStdout(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#take(chunk.subarray(start, end));
      this.#endLine();
      start = end + 1;
    }
    this.#take(chunk.subarray(start));
  }

  /** Takes a piece of a line. In the rest of a line that is too long only the end matters: the id may be there. */
  #take(piece: Buffer): void {
    if (piece.length === 0) return;
    if (this.#refused !== undefined) {
      this.#skip(this.#refused, piece);
      return;
    }
    const reason = this.#meter.add(piece.length);
    this.#line.add(reason === undefined ? piece : piece.subarray(0, HEAD_BYTES));
    if (reason === undefined) return;
    const head = this.#line.take().toString("utf8", 0, HEAD_BYTES);
    const messages = this.#reading.refuse({ head }, reason);
    this.#refused = {
      reason,
      isAnswered: messages.length > 0,
      skipped: 0,
      tail: piece.subarray(-TAIL_BYTES),
    };
    this.#meter.reset();
    for (const message of messages) this.onmessage?.(message);
  }

  #skip(refused: RefusedLine, piece: Buffer): void {
    refused.tail = Buffer.concat([refused.tail, piece.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    refused.skipped += piece.length;
    if (refused.skipped <= SKIPPED_LINES * this.#reading.bounds.maxBytes) return;
    this.#exit ??= "it wrote a line without end to stdout";
    void this.close();
  }

  #endLine(): void {
    const refused = this.#refused;
    const line = this.#line.take();
    this.#refused = undefined;
    for (const message of refused === undefined
      ? this.#reading.read(line.toString("utf8"))
      : this.#late(refused))
      this.onmessage?.(message);
    this.#meter.reset();
  }

  #late({ isAnswered, tail, reason }: RefusedLine): readonly JSONRPCMessage[] {
    return isAnswered ? [] : this.#reading.refuse({ head: "", tail: tail.toString("utf8") }, reason);
  }

  #onStderr(text: string): void {
    const tail = this.#stderrTail + text;
    this.#stderrCut ||= tail.length > STDERR_CHARS;
    this.#stderrTail = tail.slice(-STDERR_CHARS);
  }
}

/** Some servers split lines with a function that also splits at separators which JSON allows inside a text. */
function toLine(message: JSONRPCMessage): string {
  const escaped = (sign: string): string => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(message).replace(/[\u0085\u2028\u2029]/g, escaped)}\n`;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const NEWLINE = 0x0a;
/** Bytes of a line that is too long in which the id of its message can be found, at either end. */
const HEAD_BYTES = 256;
const TAIL_BYTES = 256;
/** How many times the largest line's length is read on in a line that is too long, to reach its end. */
const SKIPPED_LINES = 4;

interface RefusedLine {
  readonly reason: string;
  readonly isAnswered: boolean;
  skipped: number;
  tail: Buffer;
}
/** Characters. More than is shown, so that secrets are redacted before the text is cut. */
const STDERR_CHARS = 16_384;
const LAST_OUTPUT_MS = 200;

function spawnLeader({ command, args, env, cwd }: StdioCommand): Child {
  let child: Child;
  try {
    child = spawn(command, args, {
      cwd,
      env: { ...inheritedEnv(), ...env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
      windowsHide: true,
    });
  } catch (error) {
    // Node quotes a value that it cannot pass on (one with a null byte) in its message.
    throw new Error(describeSpawnError(command, error));
  }
  if (hasStreams(child)) return child;
  // Without free descriptors Node creates no streams, and emits the error in its next turn.
  child.on("error", () => undefined);
  throw new Error(describeSpawnError(command, Object.assign(new Error("no streams"), { code: "EMFILE" })));
}

function hasStreams({ stdin }: { readonly stdin: Writable | undefined }): boolean {
  return stdin !== undefined;
}

/** The rest of our environment holds the operator's secrets, so nothing more is inherited. */
function inheritedEnv(): { [name: string]: string } {
  const env: { [name: string]: string } = {};
  for (const name of ["PATH", "HOME", "LANG", "TMPDIR"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

function describeSpawnError(command: string, error: unknown): string {
  const name = JSON.stringify(basename(command));
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return `the command ${name} (or its working directory) was not found`;
    case "EACCES":
      return `the command ${name} may not be executed`;
    default:
      return `the command ${name} could not be started: ${describeShortage(error) ?? code ?? "unknown error"}`;
  }
}
