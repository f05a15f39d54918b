/**
 * Connections to providers: direct, through a provider's own proxy, or through the proxy of the environment
 * (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). The latter is never used for addresses of this machine.
 */
import { Agent, type Dispatcher, EnvHttpProxyAgent, ProxyAgent } from "undici";
import type { ProviderConfig } from "../config/config.ts";

export interface Connections extends AsyncDisposable {
  /** Owned by this object; shared by all providers with the same route. */
  for(provider: Pick<ProviderConfig, "proxy">): Dispatcher;
}

/**
 * Of undici's time limits only the one for connecting is used. The watchdog has the others: it is exact, and knows why
 * it fired.
 */
const options = { connect: { timeout: 15_000 }, headersTimeout: 0, bodyTimeout: 0 };

const LOOPBACK = "localhost,127.0.0.1,::1,[::1]";

type Environment = Readonly<Record<string, string | undefined>>;

export function createConnections(env: Environment): Connections {
  const common = openCommon(env);
  const proxies = new Map<string, ProxyAgent>();
  let disposed: Promise<unknown> | undefined;
  return {
    for({ proxy }) {
      if (proxy === undefined) return common;
      const agent = proxies.get(proxy) ?? new ProxyAgent({ ...options, uri: proxy });
      proxies.set(proxy, agent);
      return agent;
    },
    async [Symbol.asyncDispose]() {
      disposed ??= Promise.all([common, ...proxies.values()].map((agent) => agent.destroy()));
      await disposed;
    },
  };
}

function openCommon(env: Environment): Dispatcher {
  const httpProxy = env["http_proxy"] || env["HTTP_PROXY"] || "";
  const httpsProxy = env["https_proxy"] || env["HTTPS_PROXY"] || "";
  if (httpProxy === "" && httpsProxy === "") return new Agent(options);
  const named = env["no_proxy"] || env["NO_PROXY"];
  const noProxy = named === undefined ? LOOPBACK : `${named},${LOOPBACK}`;
  return new EnvHttpProxyAgent({ ...options, httpProxy, httpsProxy, noProxy: named === "*" ? "*" : noProxy });
}
