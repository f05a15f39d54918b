/**
 * Before every test file. Property tests take the same few samples on every run; many and new ones with
 * `npm run test:soak`. A test that passes only when retried is named, for .ci/run to list.
 */
import fc from "fast-check";
import { afterEach } from "vitest";

fc.configureGlobal(process.env["SOAK"] === "1" ? { numRuns: 5_000 } : { numRuns: 100, seed: 20_261_123 });

afterEach(({ task }) => {
  if ((task.result?.retryCount ?? 0) > 0) process.stderr.write(`retried: ${task.file.name} > ${task.name}\n`);
});
