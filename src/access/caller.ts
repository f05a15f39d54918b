/** The caller of a request, as the rest of the gateway knows them: their rights, tools and limits. */
import type { AgentLimits, Config, KeyConfig, Right } from "../config/config.ts";
import type { Mode } from "../config/modes.ts";
import { ToolariumError } from "../errors.ts";
import { createDecideScope, type DecideScope, type Viewer } from "../runs/live/deciders.ts";
import type { PolicyLayer } from "../tools/policy-layer.ts";
import { baseLayers } from "./base-layers.ts";

export interface Caller {
  /** Owns its runs; other principals do not see them. */
  readonly principal: string;
  readonly rights: ReadonlySet<Right>;
  /** Null when the gateway has no keys. */
  readonly keyName: string | null;
  /** The other principals whose waiting calls it may decide. */
  readonly decides: DecideScope | undefined;
  /** The key's default chat mode. */
  readonly mode: Mode | undefined;
  /** The layers of the configuration and the key. Requests only add layers, which can only narrow. */
  readonly layers: readonly PolicyLayer[];
  /** Ceilings for one answer of a chat. */
  readonly agent: AgentLimits;
  /** Most programs and chats at the same time. Undefined: unbounded. */
  readonly maxConcurrent: number | undefined;
  /** Most requests a minute. Undefined: unbounded. */
  readonly ratePerMinute: number | undefined;
}

/** The principal of callers without credentials: without keys, at the command line, in the library. */
export const LOCAL_PRINCIPAL = "local";

/**
 * The caller of a gateway without keys: principal `local`, the rights `run` and `decide`, and `admin` where
 * `server.admin` is set. A start for an `identify` of your own. Never throws.
 *
 * @example
 * import { configFrom, createGateway, localCaller, ToolariumError } from "toolarium";
 *
 * const { config } = configFrom({});
 * await using gateway = await createGateway({
 *   config,
 *   identify: async ({ token }) => {
 *     if (token !== "letmein") throw new ToolariumError("unauthorized");
 *     return { ...localCaller(config), principal: "ann", keyName: "ann" };
 *   },
 * });
 * const caller = await gateway.access.admit({ token: "letmein" });
 * console.log(caller.principal, [...caller.rights].join()); // ann run,decide
 */
export function localCaller(config: Pick<Config, "tools" | "server">): Caller {
  return {
    principal: LOCAL_PRINCIPAL,
    rights: new Set<Right>(config.server.admin ? ["run", "decide", "admin"] : ["run", "decide"]),
    keyName: null,
    decides: undefined,
    mode: undefined,
    layers: baseLayers(config),
    agent: {},
    maxConcurrent: undefined,
    ratePerMinute: undefined,
  };
}

export function keyCaller(config: Pick<Config, "tools">, key: KeyConfig): Caller {
  const layers = baseLayers(config, key);
  return {
    principal: key.principal,
    rights: new Set(key.may),
    keyName: key.name,
    decides: key.decides && createDecideScope(key.decides, { layers }),
    mode: key.mode,
    layers,
    agent: key.agent ?? {},
    maxConcurrent: key.maxConcurrent,
    ratePerMinute: key.ratePerMinute,
  };
}

/** @throws `forbidden`; `admin_disabled` when there are no keys and `server.admin` is off */
export function requireRight({ rights, keyName }: Caller, right: Right): void {
  if (rights.has(right)) return;
  if (keyName === null) throw new ToolariumError("admin_disabled");
  throw new ToolariumError(
    "forbidden",
    `The key ${JSON.stringify(keyName)} has not the right \`${right}\`. Add it to the key's \`may\`, or use another key.`,
  );
}

/** Which runs and waiting calls the caller sees. */
export function viewerOf({ principal, rights, decides }: Caller): Viewer {
  return { principal, admin: rights.has("admin"), ...(decides === undefined ? {} : { decides }) };
}

/** Whether the caller also sees tools and servers that it may not use: with the right `admin`, or without keys. */
export function seesAll({ keyName, rights }: Caller): boolean {
  return keyName === null || rights.has("admin");
}

/** Most characters of a person's name, which is shown to those who decide. */
const MAX_USER_CHARS = 200;

/**
 * The person for whom a request is made: the first of the values that is a name, cut to 200 characters. It is shown to
 * those who decide and in the audit, and grants no right. Undefined when no value is a name.
 */
export function userNamed(...said: readonly unknown[]): string | undefined {
  const name = said.find((each) => typeof each === "string" && each.trim() !== "");
  return typeof name === "string" ? name.trim().slice(0, MAX_USER_CHARS) : undefined;
}
