/**
 * The store's own thread: SQLite calls are synchronous and a commit waits for the disk, so neither may happen on the
 * thread that serves requests.
 */
import type { DatabaseSync } from "node:sqlite";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { claimDatabase } from "./file/database.ts";
import { describeWriteFailure } from "./file/failures.ts";
import { openStoreFile, type StoreFile } from "./file/store-file.ts";
import type { Envelope, FromThread, StoreThreadOptions, ToThread } from "./file/thread-protocol.ts";

if (parentPort) serve(parentPort, workerData);

function serve(port: MessagePort, options: StoreThreadOptions): void {
  const post = (message: FromThread): void => port.postMessage(message);
  let claim: DatabaseSync | undefined;
  let store: StoreFile;
  try {
    claim = options.readOnly ? undefined : claimDatabase(options.path, options.busyMs);
    store = openStoreFile(options);
  } catch (error) {
    const { code, message } = describeWriteFailure(error);
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
    post({ type: "answers", ...store.run(envelopes) });
  };

  const revive = (): void => {
    try {
      store.revive();
      post({ type: "revived", reason: null, kept: store.kept() });
    } catch (error) {
      post({ type: "revived", reason: describeWriteFailure(error).message, kept: store.kept() });
    }
  };

  port.on("message", (message: ToThread) => {
    switch (message.type) {
      case "close":
        drain();
        store.close();
        claim?.close();
        port.close();
        return;
      case "revive":
        drain();
        revive();
        return;
      case "requests":
        // Runs after the poll phase, when every message that has arrived is delivered.
        if (waiting.length === 0) setImmediate(drain);
        for (const envelope of message.envelopes) waiting.push(envelope);
    }
  });
  post({ type: "ready", identity: store.identity, kept: store.kept(), lost: store.lost });
}
