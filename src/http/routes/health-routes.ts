/** Liveness and readiness, for supervisors and load balancers. Served without a key and under any Host. */
import type { FastifyInstance } from "fastify";
import { ToolariumError } from "../../errors.ts";
import type { Gateway } from "../../gateway.ts";

type Readiness = Awaited<ReturnType<Gateway["ready"]>>;

/** Milliseconds for which a readiness result is reused, so that frequent probes cost nothing. */
const READINESS_CACHE_MS = 1_000;

export function registerHealthRoutes(app: FastifyInstance, gateway: Gateway): void {
  const checkReadiness = cached(() => gateway.ready(), READINESS_CACHE_MS);
  const config = { keyless: true, anyHost: true };

  // A process that drains is alive: a supervisor must not restart it before it is done.
  app.get("/livez", { config: { ...config, whileClosing: true } }, async () => ({ status: "ok" }));

  app.get("/readyz", { config }, async () => {
    const readiness = await checkReadiness();
    if (!readiness.ready) throw new ToolariumError("not_ready", readiness.reason);
    return { status: "ready", ...(readiness.damage === undefined ? {} : { damage: readiness.damage }) };
  });
}

/** Runs one check at a time, and reuses its result for `keepMs` after it arrived. */
function cached(ask: () => Promise<Readiness>, keepMs: number): () => Promise<Readiness> {
  let answer: Promise<Readiness> | undefined;
  let staleAt = Number.POSITIVE_INFINITY;
  return () => {
    if (answer !== undefined && performance.now() < staleAt) return answer;
    staleAt = Number.POSITIVE_INFINITY;
    answer = ask().finally(() => {
      staleAt = performance.now() + keepMs;
    });
    return answer;
  };
}
