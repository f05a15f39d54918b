/**
 * Sessions of clients of the revisions until 2025-11-25, which need one to be asked something, to cancel, and to hear of
 * new tools. A session belongs to the key that opened it, and holds nothing else: runs belong to the principal.
 */
import { randomUUID } from "node:crypto";
import { type Server, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import type { Caller } from "../../access/caller.ts";
import { ToolariumError } from "../../errors.ts";

export interface McpSession {
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: Server;
}

export interface McpSessions {
  /** Undefined for an id that nobody has, and also for somebody else's. */
  find(id: string, caller: Caller): McpSession | undefined;
  /** @throws `rate_limited` when all the sessions that the caller may have are busy */
  open(caller: Caller, server: Server): Promise<McpSession>;
  /** Counts as busy, and is not closed for another, until this is settled. */
  occupy(session: McpSession, until: Promise<unknown>): void;
  all(): Iterable<McpSession>;
  close(): Promise<void>;
}

export interface SessionBounds {
  /** Of one key. */
  readonly perKey: number;
  readonly inAll: number;
}

/** Clients hold a handful each, and many forget to close them. */
const BOUNDS: SessionBounds = { perKey: 100, inAll: 1_000 };

interface Held extends McpSession {
  readonly owner: string;
  busy: number;
}

/** The one used longest ago is closed for a new one. */
export function createMcpSessions(bounds: SessionBounds = BOUNDS): McpSessions {
  /** The one used last at the end. */
  const sessions = new Map<string, Held>();

  const makeRoom = async (owner: string): Promise<void> => {
    const own = [...sessions].filter(([, held]) => held.owner === owner);
    const from =
      own.length >= bounds.perKey ? own : sessions.size >= bounds.inAll ? [...sessions] : undefined;
    if (from === undefined) return;
    const idle = from.find(([, { busy }]) => busy === 0);
    if (idle === undefined)
      throw new ToolariumError("rate_limited", "Too many MCP sessions are busy. Close one, or wait.", {
        retryAfterSeconds: 1,
      });
    sessions.delete(idle[0]);
    await idle[1].server.close();
  };

  return {
    find(id, caller) {
      const held = sessions.get(id);
      if (held === undefined || held.owner !== ownerOf(caller)) return undefined;
      sessions.delete(id);
      sessions.set(id, held);
      return held;
    },
    async open(caller, server) {
      const owner = ownerOf(caller);
      await makeRoom(owner);
      const transport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, session),
        onsessionclosed: (id) => void sessions.delete(id),
      });
      const session: Held = { transport, server, owner, busy: 0 };
      await server.connect(transport);
      return session;
    },
    occupy(session, until) {
      const held = session as Held;
      held.busy += 1;
      const leave = (): void => {
        held.busy -= 1;
      };
      until.then(leave, leave);
    },
    all: () => sessions.values(),
    async close() {
      const open = [...sessions.values()];
      sessions.clear();
      await Promise.all(open.map(({ server }) => server.close()));
    },
  };
}

function ownerOf({ principal, keyName }: Caller): string {
  return JSON.stringify([principal, keyName]);
}
