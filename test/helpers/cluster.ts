/**
 * Several processes on one store, as a shared database lets them work: owners with terms, messages, signals. A process
 * can stop for a while without knowing it, be declared dead meanwhile, and go on.
 */
import { EventEmitter, once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Message } from "../../src/runs/live/mailbox.ts";
import type { Claim, OwnedElsewhere } from "../../src/runs/live/ownership.ts";
import type { Peers } from "../../src/runs/peers.ts";
import { listRunsIn } from "../../src/store/all-runs.ts";
import { FIRST_TERM, type Store } from "../../src/store/store.ts";

export interface Member {
  readonly peers: Peers;
  /** The shared store. Disposing of it does nothing. */
  readonly store: Store;
  /** From here on it hears nothing: neither that its runs were taken nor what others say to it. */
  stop(): void;
  /** The others declare it dead: whoever wants its runs may claim them. */
  bury(): void;
}

export interface Cluster {
  join(name: string): Member;
  /** Who owns this run at present. */
  ownerOf(run: string): string | undefined;
}

interface Owner {
  readonly name: string;
  readonly term: number;
  readonly lost: AbortController;
}

type Take = (run: string, message: Message) => Promise<"done" | "unowned">;

/** Milliseconds after which whoever waits looks though no signal came. */
const LOOK_MS = 50;

export function createCluster(store: Store): Cluster {
  const owners = new Map<string, Owner>();
  const terms = new Map<string, number>();
  const stopped = new Set<string>();
  const boxes = new Map<string, Take>();
  const changes = new EventEmitter().setMaxListeners(0);

  const changed = async (run: string, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    const over = new AbortController();
    const until = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
    const waits = [once(changes, run, { signal: until }), setTimeout(LOOK_MS, undefined, { signal: until })];
    for (const wait of waits) wait.catch(() => undefined);
    await Promise.race(waits);
    over.abort();
  };

  const shared = new Proxy(store, {
    get(target, name) {
      if (name === Symbol.asyncDispose) return async () => undefined;
      const value: unknown = Reflect.get(target, name, target);
      if (name === "append")
        return async (...args: Parameters<Store["append"]>) => {
          await target.append(...args);
          changes.emit(args[0]);
        };
      return typeof value === "function" ? value.bind(target) : value;
    },
  });

  function grant(run: string, name: string, term: number): Claim {
    const lost = new AbortController();
    const owner: Owner = { name, term, lost };
    owners.set(run, owner);
    terms.set(run, term);
    const isOwner = (): boolean => owners.get(run) === owner;
    return {
      term,
      lost: lost.signal,
      async isHeld() {
        if (!isOwner()) lost.abort();
        return isOwner();
      },
      async release() {
        if (!isOwner()) return;
        owners.delete(run);
        changes.emit(run);
        changes.emit("wanting");
      },
    };
  }

  function join(name: string): Member {
    const elsewhere = (ownedBy: string, run: string): OwnedElsewhere => ({
      ownedBy,
      released: (signal) => changed(run, signal),
    });
    const peers: Peers = {
      ownership: {
        begin: (run) => grant(run, name, FIRST_TERM),
        async claim(run) {
          const owner = owners.get(run);
          if (owner !== undefined) return elsewhere(owner.name, run);
          const term = (terms.get(run) ?? FIRST_TERM) + 1;
          const claim = grant(run, name, term);
          // From here on the store takes nothing from those before. Of a run that does not exist there is nothing to take.
          if ((await store.getRun(run)) !== undefined) await store.append(run, term, []);
          return claim;
        },
        wanting: async () =>
          (await listRunsIn(store, "queued", "running")).filter(({ id }) => !owners.has(id)),
        onWanting(listener) {
          const hear = (): void => {
            if (!stopped.has(name)) listener();
          };
          changes.on("wanting", hear);
          return () => changes.off("wanting", hear);
        },
      },
      mailbox: {
        async post(run, message) {
          for (;;) {
            const owner = owners.get(run);
            const take = owner && boxes.get(owner.name);
            if (owner === undefined || take === undefined) return "unowned";
            const sent: Message = JSON.parse(JSON.stringify(message));
            if (!stopped.has(owner.name)) return take(run, sent);
            await changed(run);
          }
        },
        serve: (take) => void boxes.set(name, take),
      },
      signals: {
        async next(run, signal) {
          await changed(run, signal);
          return "look";
        },
      },
    };
    return {
      peers,
      store: shared,
      stop: () => void stopped.add(name),
      bury() {
        const left = [...owners].filter(([, owner]) => owner.name === name);
        for (const [run, { lost }] of left) {
          owners.delete(run);
          if (!stopped.has(name)) lost.abort();
          changes.emit(run);
        }
        changes.emit("wanting");
      },
    };
  }

  return { join, ownerOf: (run) => owners.get(run)?.name };
}
