/** What clients ask of the gateway, and what they were told, as far as an answer reached them whole. */
import { z } from "zod";
import type { Random } from "../../helpers/random.ts";
import { generateProgram } from "../../runs/generated-programs.ts";

/** A report, in the parts that must not change once they were told. */
export interface Told {
  readonly id: string;
  readonly status: string;
  readonly result: unknown;
  readonly error: unknown;
}
export const reportShape: z.ZodType<Told> = z.object({
  id: z.string(),
  status: z.string(),
  result: z.unknown(),
  error: z.unknown(),
});

export type Answer =
  /** Cut, refused or not understood: nothing was promised. */
  | { readonly type: "none" }
  /** The run is there. */
  | { readonly type: "begun"; readonly id: string }
  | { readonly type: "ended"; readonly told: Told }
  | {
      readonly type: "chat";
      readonly id: string;
      readonly text: string;
      readonly again: () => Promise<string>;
    };

export interface Errand {
  readonly name: string;
  go(url: () => string, signal: AbortSignal): Promise<Answer>;
}

const chatShape = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
});

/** `generated-programs` call local tools; these are of a server, with a ledger. */
const TOOLS = `const [read, put, write] = ["look", "put", "add"].map((name) => (args) => world[name]({ token: JSON.stringify(args) }));\n`;

export function chooseErrand(random: Random, seed: number): Errand {
  const token = `t${seed}`;
  const program = `${TOOLS}${generateProgram(seed)}`.replaceAll("input", JSON.stringify(token));
  const run = { code: program, typecheck: "off" };
  return random.pick<Errand>([
    { name: "a program", go: (url, signal) => askForReport(url(), run, signal) },
    { name: "a program", go: (url, signal) => askForReport(url(), run, signal) },
    {
      name: "a program in the background",
      go: (url, signal) => begin(url(), { ...run, wait: false }, signal),
    },
    { name: "a program's events", go: (url, signal) => follow(url(), { ...run, stream: true }, signal) },
    { name: "a chat in code mode", go: (url, signal) => chat(url, "code", { token, program }, signal) },
    { name: "a chat in agent mode", go: (url, signal) => chat(url, "agent", { token }, signal) },
  ]);
}

async function askForReport(url: string, body: object, signal: AbortSignal): Promise<Answer> {
  const answer = await post(`${url}/v1/sandbox/runs`, body, signal);
  return answer.status === 200
    ? { type: "ended", told: reportShape.parse(await answer.json()) }
    : { type: "none" };
}

async function begin(url: string, body: object, signal: AbortSignal): Promise<Answer> {
  const answer = await post(`${url}/v1/sandbox/runs`, body, signal);
  return answer.status === 202
    ? { type: "begun", id: reportShape.parse(await answer.json()).id }
    : { type: "none" };
}

async function follow(url: string, body: object, signal: AbortSignal): Promise<Answer> {
  const answer = await post(`${url}/v1/sandbox/runs`, body, signal);
  let text = "";
  try {
    for await (const part of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) text += part;
  } catch {
    // What came before the cut counts.
  }
  const id = /"run":"(run_[^"]+)"/.exec(text)?.[1];
  return id === undefined ? { type: "none" } : { type: "begun", id };
}

async function chat(url: () => string, mode: string, task: object, signal: AbortSignal): Promise<Answer> {
  const body = { model: "test/m", mode, messages: [{ role: "user", content: JSON.stringify(task) }] };
  const headers = { "idempotency-key": JSON.stringify(task).slice(0, 40) };
  const answer = await post(`${url()}/v1/chat/completions`, body, signal, headers);
  if (answer.status !== 200) return { type: "none" };
  const text = textOf(await answer.json());
  const again = async (): Promise<string> => {
    const second = await post(`${url()}/v1/chat/completions`, body, AbortSignal.timeout(60_000), headers);
    return textOf(await second.json());
  };
  return { type: "chat", id: answer.headers.get("x-toolarium-run-id") ?? "", text, again };
}

function textOf(body: unknown): string {
  return chatShape.parse(body).choices[0]?.message.content ?? "";
}

function post(
  url: string,
  body: object,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal,
  });
}
