/**
 * The store's own thread: SQLite calls are synchronous and a commit waits for the disk, so neither may happen on the
 * thread that serves requests.
 */
import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { claimDatabase, openDatabase, readIdentity } from "./database.ts";
import { createGroup, describeFailure, type Group } from "./group-commit.ts";
import { redo } from "./redo.ts";
import { createTables } from "./tables.ts";
import type { Envelope, FromThread, StoreThreadOptions, ToThread } from "./thread-protocol.ts";

if (parentPort) serve(parentPort, workerData);

function serve(port: MessagePort, options: StoreThreadOptions): void {
  const post = (message: FromThread): void => port.postMessage(message);
  let claim: DatabaseSync | undefined;
  let db: DatabaseSync;
  let group: Group;
  try {
    claim = options.readOnly ? undefined : claimDatabase(options.path);
    db = openDatabase(options.path, options);
    const tables = createTables(db);
    if (claim) redo(options.path, db, tables);
    group = createGroup(db, tables);
  } catch (error) {
    const { code, message } = describeFailure(error);
    claim?.close();
    post({ type: "refused", code, message });
    port.close();
    return;
  }
  let waiting: Envelope[] = [];

  const drain = (): void => {
    if (waiting.length === 0) return;
    const envelopes = waiting;
    waiting = [];
    post({ type: "answers", answers: group.run(envelopes), commits: group.commits() });
  };

  port.on("message", (message: ToThread) => {
    if (message.type === "close") {
      drain();
      db.close();
      claim?.close();
      port.close();
      return;
    }
    // After the poll phase has delivered everything that is there.
    if (waiting.length === 0) setImmediate(drain);
    for (const envelope of message.envelopes) waiting.push(envelope);
  });
  post({ type: "ready", identity: readIdentity(db) });
}
