/** What the gate is shown of calls made outside a program: the rules of a request, or of the moment; tools, limits. */
import { boundArguments } from "../../../sandbox/index.ts";
import type { Catalog } from "../../tools/catalog.ts";
import type { GateCall } from "../../tools/gate/gate-call.ts";
import type { PolicyLayer } from "../../tools/policy-layer.ts";
import type { GateRest } from "../live/lease.ts";
import { parseCallId } from "../record/ids.ts";
import type { CallRunDeps, CallRunOptions } from "./call-run-options.ts";

/** What the gate is shown while one request is answered, or between two. */
export interface View {
  readonly catalog: Catalog;
  readonly layers: readonly PolicyLayer[];
}

export class CallGate {
  readonly #options: CallRunOptions;
  readonly #deps: Pick<CallRunDeps, "catalog" | "presentLayers">;

  constructor(options: CallRunOptions, deps: Pick<CallRunDeps, "catalog" | "presentLayers">) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The tools and rules of this moment, and these rules on top. */
  present(layers: readonly PolicyLayer[]): View {
    const { catalog, presentLayers } = this.#deps;
    const { keyName } = this.#options.spec;
    return { catalog: catalog(), layers: [...presentLayers(keyName ?? null), ...layers] };
  }

  show(id: string, tool: string, args: string, rest: GateRest, { catalog, layers }: View): GateCall {
    const { consent, record, spec } = this.#options;
    const { principal } = record;
    return {
      ...rest,
      principal,
      n: parseCallId(id)?.n ?? 0,
      id,
      tool,
      ...boundArguments(args, spec.limits),
      spelling: "function",
      catalog,
      policy: { layers: [...spec.policy.layers, ...layers] },
      consent: consent === "granted" ? { grantedBy: principal } : "ask",
      resultBytes: spec.limits.toolResultBytes,
    };
  }
}
