/** Compares stored runs with their hash chains, a bounded part at a time. */
import type { DatabaseSync } from "node:sqlite";
import { readFields } from "./backfill.ts";
import { type CallRow, callNumberOf, foldCallRows } from "./call-index.ts";
import { chainNext, chainStart, sha256 } from "./chain.ts";
import { largeTextHashes } from "./large-texts.ts";
import type { BrokenRun, RunRecord, Verified } from "./store.ts";

/** A part ends with the run that reaches one of these: live runs' commits wait for it. */
const PART_EVENTS = 2_000;
const PART_PAYLOAD_BYTES = 8 * 1024 * 1024;

export interface VerifiedPart extends Verified {
  /** Where the next part begins; null when this was the last. */
  readonly next: number | null;
}

type Fault = Omit<BrokenRun, "run">;

type RunToVerify = RunRecord & { readonly key: number; readonly head: string; readonly lastSeq: number };

export interface Verifier {
  /** The runs after this place (-1: from the first), or the one with this id. */
  verify(after: number, run: string | undefined): VerifiedPart;
}

export function createVerifier(db: DatabaseSync): Verifier {
  const columns = `key, id, principal, kind, parent, created_at as createdAt, spec, snapshot,
                   request_key as requestKey, head, last_seq as lastSeq`;
  const nextRun = db.prepare(`select ${columns} from runs where key > ? order by key limit 1`);
  const oneRun = db.prepare(`select ${columns} from runs where key > ? and id = ?`);
  const selectEvents = db.prepare("select seq, n, event, hash from journal where run = ? order by seq");
  const selectCalls = db.prepare(
    "select n, seq, at, server, tool, decisions from calls where run = ? and principal = ? order by n",
  );
  const countCalls = db.prepare("select count(*) as calls from calls where run = ?");
  const selectPayload = db.prepare(
    `select text from payloads join payload_uses on payload_uses.payload = payloads.key
     where payload_uses.run = ? and payloads.hash = ?`,
  );
  const selectSnapshot = db.prepare("select text from snapshots where hash = ?");

  return {
    verify(after, id) {
      const intact = new Set<string>();
      const broken: BrokenRun[] = [];
      let runs = 0;
      let events = 0;
      let bytes = 0;
      let last = after;

      const holdsText = (hash: string, text: unknown): boolean => {
        if (typeof text !== "string") return false;
        if (intact.has(hash)) return true;
        bytes += text.length;
        if (sha256(text) !== hash) return false;
        intact.add(hash);
        return true;
      };

      const findFault = (run: RunToVerify): Fault | undefined => {
        const { key, snapshot } = run;
        if (snapshot !== null && !holdsText(snapshot, selectSnapshot.get(snapshot)?.["text"]))
          return { seq: 0, problem: "snapshot" };
        const expectedCalls = new Map<number, CallRow>();
        let head = chainStart(run);
        let seq = 0;
        for (const row of selectEvents.iterate(key)) {
          seq += 1;
          events += 1;
          if (row["seq"] !== seq) return { seq, problem: "missing" };
          const text = String(row["event"]);
          head = chainNext(head, text);
          if (row["hash"] !== head) return { seq, problem: "changed" };
          const event = readFields(text);
          if (row["n"] !== callNumberOf(event)) return { seq, problem: "index" };
          const hashes = largeTextHashes(event);
          if (!hashes.every((hash) => holdsText(hash, selectPayload.get(key, hash)?.["text"])))
            return { seq, problem: "payload" };
          foldCallRows(expectedCalls, seq, event);
        }
        if (seq !== run.lastSeq || head !== run.head) return { seq: seq + 1, problem: "end" };
        return findIndexFault(run, expectedCalls);
      };

      const findIndexFault = (
        run: RunToVerify,
        expected: ReadonlyMap<number, CallRow>,
      ): Fault | undefined => {
        const stored = new Map(
          selectCalls.all(run.key, run.principal).map((row) => [Number(row["n"]), JSON.stringify(row)]),
        );
        for (const call of expected.values())
          if (stored.get(call.n) !== JSON.stringify(inColumnOrder(call)))
            return { seq: call.seq, problem: "index" };
        const extra = Number(countCalls.get(run.key)?.["calls"]) - expected.size;
        return extra === 0 ? undefined : { seq: 0, problem: "index" };
      };

      while (events < PART_EVENTS && runs < PART_EVENTS && bytes < PART_PAYLOAD_BYTES) {
        const row = id === undefined ? nextRun.get(last) : oneRun.get(last, id);
        if (!row) return { runs, events, broken, next: null };
        // Columns of our own query; whatever is in them, a wrong value ends in a wrong hash.
        const run = row as unknown as RunToVerify;
        const fault = findFault(run);
        if (fault) broken.push({ run: run.id, ...fault });
        runs += 1;
        last = run.key;
      }
      return { runs, events, broken, next: last };
    },
  };
}

function inColumnOrder({ n, seq, at, server, tool, decisions }: CallRow): CallRow {
  return { n, seq, at, server, tool, decisions };
}
