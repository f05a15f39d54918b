/** The parent's half of a run in a fresh thread or a fresh process: starts it, answers its calls, ends it. */
import { hostTools } from "./contender.ts";

/** A thread or a child process, as far as they are alike. */
export interface FreshPlace {
  on(event: "message", listener: (message: unknown) => void): unknown;
  once(event: "error", listener: (error: Error) => void): unknown;
}

export const placeFile: URL = new URL("./fresh-place.cjs", import.meta.url);

interface FromPlace {
  readonly type: "call" | "done";
  readonly n: number;
  readonly tool: string;
  readonly args: { readonly value?: unknown };
  readonly result: unknown;
}

/** Resolves with what the program returned; the place still exists then. */
export function runIn(place: FreshPlace, code: string, send: (message: object) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    place.once("error", reject);
    place.on("message", (message) => {
      const said = message as FromPlace;
      if (said.type === "done") return resolve(said.result);
      const value = said.tool === "echo" ? hostTools.echo(said.args.value) : hostTools.slow();
      void Promise.resolve(value).then((settled) => send({ type: "settled", n: said.n, value: settled }));
    });
    send({ type: "start", code });
  });
}
