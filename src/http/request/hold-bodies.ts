/**
 * Counts the memory of large bodies, from before they are read until their request has its response. Until the body is
 * parsed it counts for more. A body that does not fit is refused and can be retried. Small bodies always fit, so that a
 * full gateway still takes cancellations and decisions.
 */
import { Transform } from "node:stream";
import type { FastifyInstance } from "fastify";
import { ToolariumError } from "../../errors.ts";
import { type MemoryBudget, ONCE_READ, SMALL_BYTES, WHILE_READ } from "../../memory-budget.ts";

const RETRY_AFTER_SECONDS = 2;

declare module "fastify" {
  interface FastifyRequest {
    /** Called once the body is parsed: releases the memory that only reading needed. */
    bodyIsRead?: () => void;
  }
}

export function holdBodies(app: FastifyInstance, budget: MemoryBudget): void {
  app.decorateRequest("bodyIsRead");
  app.addHook("preValidation", async (request) => request.bodyIsRead?.());
  app.addHook("preParsing", async (request, reply, payload) => {
    let taken = 0;
    let times = WHILE_READ;
    let isClosed = false;
    reply.raw.once("close", () => {
      isClosed = true;
      budget.release(taken * times);
    });
    request.bodyIsRead = () => {
      if (!isClosed) budget.release(taken * (times - ONCE_READ));
      times = ONCE_READ;
    };
    const take = (bytes: number): boolean => {
      if (isClosed || !budget.take(bytes * times)) return false;
      taken += bytes;
      return true;
    };
    const announced = request.headers["content-length"];
    if (announced !== undefined) {
      const bytes = Number(announced);
      const isRead = bytes > SMALL_BYTES && bytes <= request.routeOptions.bodyLimit;
      if (isRead && !take(bytes)) throw overloaded();
      return payload;
    }
    let received = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        received += chunk.length;
        const missing = received > SMALL_BYTES ? received - taken : 0;
        if (missing > 0 && !take(missing)) done(overloaded());
        else done(null, chunk);
      },
    });
    return payload.pipe(counted);
  });
}

function overloaded(): ToolariumError {
  return new ToolariumError("overloaded", undefined, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
