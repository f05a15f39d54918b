/** Property tests: the same few samples on every run; many and new ones with `npm run test:soak`. */
import fc from "fast-check";

fc.configureGlobal(process.env["SOAK"] === "1" ? { numRuns: 5_000 } : { numRuns: 100, seed: 20_261_123 });
