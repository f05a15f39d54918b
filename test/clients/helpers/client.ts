/** What the scenarios ask of a client: one question, answered as its users would have it answered. */

export interface ChatClient {
  /**
   * Asks, and answers the calls of `tools` in the way this client's users do, until the model has said its answer.
   * Rejects as the client does.
   */
  ask(question: Question): Promise<Told>;
}

export interface Question {
  readonly model: string;
  readonly prompt: string;
  readonly tools?: readonly OwnTool[];
  /** How often the client may send a failed request again. Default: as the client has it. */
  readonly maxRetries?: number;
  readonly signal?: AbortSignal;
  /** Called when the first text has come; streaming clients only. */
  readonly onText?: () => void;
}

/** A tool that runs at the client. */
export interface OwnTool {
  readonly name: string;
  /** A JSON schema of type object. */
  readonly parameters: { readonly type: "object"; readonly [field: string]: unknown };
  execute(args: unknown): string;
}

export interface Told {
  readonly text: string;
  /** Over all requests that the client sent. */
  readonly totalTokens: number | undefined;
}

/** A client that talks to the gateway at this base URL, which ends in `/v1`. */
export type CreateClient = (baseURL: string) => ChatClient;

/** The answer of the tool of this name, for clients whose users write the loop themselves. */
export function execute(tools: readonly OwnTool[], name: string, args: string): string {
  const tool = tools.find((candidate) => candidate.name === name);
  if (tool === undefined) throw new Error(`the client was given a call of ${name}, a tool it has not`);
  return tool.execute(JSON.parse(args));
}
