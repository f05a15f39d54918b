/** Refusals in the form of the OpenAI API. */
import { toRefusal } from "../../errors.ts";

export interface OpenAiError {
  readonly status: number;
  readonly body: {
    readonly error: {
      readonly message: string;
      readonly type: string;
      readonly param: string | null;
      readonly code: string;
    };
  };
  readonly headers: { readonly [name: string]: string };
}

/** Anything thrown, as OpenAI's clients read it. What retrying cannot mend says so: they would send it three times. */
export function toOpenAiError(error: unknown): OpenAiError {
  const refusal = toRefusal(error);
  return {
    status: refusal.status,
    body: {
      error: {
        message: refusal.message,
        type: refusal.type,
        param: refusal.param ?? null,
        code: refusal.provider?.code ?? refusal.code,
      },
    },
    headers: refusal.retryable ? {} : { "x-should-retry": "false" },
  };
}
