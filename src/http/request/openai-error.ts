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

/**
 * Any error in OpenAI's form. `x-should-retry: false` keeps its clients from sending a hopeless request three times.
 */
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
