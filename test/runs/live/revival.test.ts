/** Runs that go on once their record can be written again, also when that fails more than once. */
import { expect, it } from "vitest";
import { createLog } from "../../../src/log.ts";
import { createJournal } from "../../../src/runs/live/live-journal.ts";
import { type OwnedRun, OwnedRuns } from "../../../src/runs/live/owned-runs.ts";
import { ownEverything } from "../../../src/runs/live/ownership.ts";
import { createRevival, type Revival } from "../../../src/runs/live/revival.ts";
import { runRecord } from "../../store/records.ts";

const nothing = async (): Promise<void> => undefined;
const log = createLog("silent");

function strandedRun(): OwnedRun {
  const store = {
    ...{ createRun: async () => "", append: nothing, flush: nothing },
    getRun: async () => undefined,
    readJournal: async () => [],
  };
  const record = runRecord();
  const none = (): never => expect.fail("it only waits to be taken up");
  return {
    id: record.id,
    principal: record.principal,
    journal: createJournal({ store, run: record, log }),
    decidable: null,
    ...{ report: none, cancel: none, takeUp: none, suspend: none, strand: none },
    rest: nothing,
    quiet: nothing,
  };
}

it("a run that is stranded again while it is taken up is taken up again", async () => {
  const run = strandedRun();
  const twice = Promise.withResolvers<void>();
  let times = 0;
  const revival: Revival = createRevival({
    store: { health: { hindrance: null, damage: null }, onRevived: () => () => undefined },
    log,
    owned: new OwnedRuns<OwnedRun>({
      ownership: ownEverything({ listRuns: async () => ({ runs: [], nextCursor: null }) }),
      load: async () => undefined,
      onRest: () => undefined,
      onStranded: () => undefined,
    }),
    takeUp: async () => {
      times += 1;
      if (times === 1) revival.stranded(run);
      else twice.resolve();
    },
  });
  revival.stranded(run);
  await twice.promise;
  expect(times).toBe(2);
  revival[Symbol.dispose]();
});
