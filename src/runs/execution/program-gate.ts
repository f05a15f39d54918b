/** What the gate is shown of a program's calls: its rules of the moment, its tools, its limits. */
import type { Builtins } from "../../tools/builtin.ts";
import type { GateCall } from "../../tools/gate/gate-call.ts";
import type { Policy, PolicyLayer } from "../../tools/policy-layer.ts";
import type { GateRest } from "../live/lease.ts";
import { parseCallId } from "../record/ids.ts";
import type { ProgramDeps, ProgramRunOptions } from "./program-run-options.ts";

export class ProgramGate {
  readonly #options: Pick<ProgramRunOptions, "identity" | "catalog" | "reuse">;
  readonly #deps: Pick<ProgramDeps, "catalog" | "presentLayers">;
  readonly #builtins: Builtins;
  #layers: readonly PolicyLayer[] | undefined;
  /** The policy with these layers on top, made once. */
  #asked: { readonly layers: readonly PolicyLayer[] | undefined; readonly policy: Policy } | undefined;

  constructor(
    options: Pick<ProgramRunOptions, "identity" | "catalog" | "reuse">,
    deps: Pick<ProgramDeps, "catalog" | "presentLayers" | "builtins">,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#builtins = deps.builtins(options.identity.principal);
  }

  /** Policy layers of the requests that resumed the run. They can only narrow. */
  get layers(): readonly PolicyLayer[] | undefined {
    return this.#layers;
  }

  narrow(layers: readonly PolicyLayer[] | undefined): void {
    this.#layers = layers;
  }

  show(id: string, tool: string, args: string, rest: GateRest): GateCall {
    const { catalog, reuse } = this.#options;
    const { head, principal, program } = this.#options.identity;
    return {
      ...rest,
      principal,
      n: parseCallId(id)?.n ?? 0,
      id,
      tool,
      args,
      spelling: "program",
      catalog: catalog ?? this.#deps.catalog(principal),
      policy: this.#policy(),
      consent: program.approval === "deny" ? "deny" : "ask",
      resultBytes: head.limits.toolResultBytes,
      builtins: this.#builtins,
      ...(reuse === undefined ? {} : { reuse }),
    };
  }

  #policy(): Policy {
    const { policy, keyName } = this.#options.identity;
    const layers = this.#layers;
    // The request has just been asked about what is allowed now; a run that comes from the store was not.
    const isFresh = this.#options.catalog !== undefined;
    if (isFresh && layers === undefined) return policy;
    if (this.#asked?.layers !== layers || this.#asked === undefined) {
      const present = isFresh ? [] : this.#deps.presentLayers(keyName);
      const all = { layers: [...policy.layers, ...present, ...(layers ?? [])] };
      this.#asked = { layers, policy: all };
    }
    return this.#asked.policy;
  }
}
