/** Compares stored runs with their hash chains, a bounded part at a time. */
import type { DatabaseSync } from "node:sqlite";
import { chainNext, chainStart, sha256 } from "../../chain.ts";
import { largeTextHashes } from "../../large-texts.ts";
import type { BrokenRun, RunRecord, Verified } from "../../store.ts";
import { readFields } from "./backfill.ts";
import { type CallRow, callNumberOf, foldCallRows } from "./call-index.ts";
import { describeReadFailure } from "./failures.ts";

/** A part ends with the run that reaches one of these bounds: commits of live runs wait for it. */
const PART_EVENTS = 2_000;
const PART_PAYLOAD_BYTES = 8 * 1024 * 1024;

export interface VerifiedPart extends Verified {
  /** Where the next part begins; null when this was the last. */
  readonly next: number | null;
}

type Fault = Omit<BrokenRun, "run">;

type RunToVerify = RunRecord & { readonly key: number; readonly head: string; readonly lastSeq: number };

export interface Verifier {
  /** Checks the runs after this place (-1: from the first), or the one with this id. */
  verify(after: number, run: string | undefined): VerifiedPart;
}

export function createVerifier(db: DatabaseSync): Verifier {
  const statements = prepare(db);
  return {
    verify(after, id) {
      // Only in the first part, and not for one run: it reads the whole file.
      const damage = after < 0 && id === undefined ? findDamage(db) : [];
      const texts = new TextCheck();
      const broken: BrokenRun[] = [];
      let runs = 0;
      let events = 0;
      let last = after;
      while (runs < PART_EVENTS && events < PART_EVENTS && texts.bytes < PART_PAYLOAD_BYTES) {
        const row = readable(
          () => (id === undefined ? statements.nextRun.get(last) : statements.oneRun.get(last, id)),
          null,
        );
        if (row === null) return { runs, events, broken, damage: [...damage, RUNS_UNREADABLE], next: null };
        if (!row) return { runs, events, broken, damage, next: null };
        // Columns of our own query; a wrong value in them ends in a wrong hash.
        const run = row as unknown as RunToVerify;
        const check = readable(() => checkRun(statements, texts, run), UNREADABLE);
        if (check.fault) broken.push({ run: run.id, ...check.fault });
        runs += 1;
        events += check.events;
        last = run.key;
      }
      return { runs, events, broken, damage, next: last };
    },
  };
}

const UNREADABLE: RunCheck = { events: 0, fault: { seq: 0, problem: "unreadable" } };
const RUNS_UNREADABLE = "the list of runs cannot be read any further";
/** Faults that are listed of a damaged file. */
const MAX_FAULTS = 20;

/**
 * What SQLite itself finds wrong with the pages of the file. The quick check would miss an index that lacks a row, and
 * a run that no index finds is as good as lost.
 */
function findDamage(db: DatabaseSync): readonly string[] {
  return readable(() => {
    const rows = db.prepare(`pragma integrity_check(${MAX_FAULTS})`).all();
    const found = rows.flatMap((row) => String(Object.values(row)[0]).split("\n"));
    return found.filter((line) => line !== "ok" && line !== "");
  }, ["its pages cannot be read"]);
}

/** `otherwise`: the result where the pages that it needs are damaged. */
function readable<T, U>(read: () => T, otherwise: U): T | U {
  try {
    return read();
  } catch (error) {
    if (describeReadFailure(error).code !== "store_damaged") throw error;
    return otherwise;
  }
}

type Statements = ReturnType<typeof prepare>;

function prepare(db: DatabaseSync) {
  const columns = `key, id, principal, kind, parent, created_at as createdAt, spec, snapshot,
                   request_key as requestKey, head, last_seq as lastSeq`;
  return {
    nextRun: db.prepare(`select ${columns} from runs where key > ? order by key limit 1`),
    oneRun: db.prepare(`select ${columns} from runs where key > ? and id = ?`),
    events: db.prepare("select seq, n, event, hash from journal where run = ? order by seq"),
    calls: db.prepare(
      "select n, seq, at, principal, server, tool, decisions from calls where run = ? order by n",
    ),
    payload: db.prepare(
      `select text from payloads join payload_uses on payload_uses.payload = payloads.key
       where payload_uses.run = ? and payloads.hash = ?`,
    ),
    snapshot: db.prepare("select text from snapshots where hash = ?"),
  };
}

/** Compares texts with their hashes, each text once. */
class TextCheck {
  readonly #intact = new Set<string>();
  /** UTF-16 units that were checked, which are nearly bytes. */
  bytes = 0;

  holds(hash: string, text: unknown): boolean {
    if (typeof text !== "string") return false;
    if (this.#intact.has(hash)) return true;
    this.bytes += text.length;
    if (sha256(text) !== hash) return false;
    this.#intact.add(hash);
    return true;
  }
}

interface RunCheck {
  readonly events: number;
  readonly fault?: Fault;
}

function checkRun(statements: Statements, texts: TextCheck, run: RunToVerify): RunCheck {
  const { key, snapshot } = run;
  if (snapshot !== null && !texts.holds(snapshot, statements.snapshot.get(snapshot)?.["text"]))
    return { events: 0, fault: { seq: 0, problem: "snapshot" } };
  const calls = new Map<number, CallRow>();
  let head = chainStart(run);
  let seq = 0;
  for (const row of statements.events.iterate(key)) {
    seq += 1;
    if (row["seq"] !== seq) return { events: seq, fault: { seq, problem: "missing" } };
    const text = String(row["event"]);
    head = chainNext(head, text);
    if (row["hash"] !== head) return { events: seq, fault: { seq, problem: "changed" } };
    const event = readFields(text);
    if (row["n"] !== callNumberOf(event)) return { events: seq, fault: { seq, problem: "index" } };
    for (const hash of largeTextHashes(event))
      if (!texts.holds(hash, statements.payload.get(key, hash)?.["text"]))
        return { events: seq, fault: { seq, problem: "payload" } };
    foldCallRows(calls, seq, event);
  }
  if (seq !== run.lastSeq || head !== run.head)
    return { events: seq, fault: { seq: seq + 1, problem: "end" } };
  const fault = checkIndex(statements, run, calls);
  return fault ? { events: seq, fault } : { events: seq };
}

/** The index must hold every call as it was requested and decided, and no other call. */
function checkIndex(
  statements: Statements,
  { key, principal }: RunToVerify,
  expected: ReadonlyMap<number, CallRow>,
): Fault | undefined {
  const stored = new Map(statements.calls.all(key).map((row) => [row["n"], JSON.stringify(row)]));
  for (const { n, seq, at, server, tool, decisions } of expected.values()) {
    if (stored.get(n) !== JSON.stringify({ n, seq, at, principal, server, tool, decisions }))
      return { seq, problem: "index" };
  }
  return stored.size === expected.size ? undefined : { seq: 0, problem: "index" };
}
