/** Secrets laid out where a program must not reach, and the check that none of them, and nothing of this machine, came out. */
import { expect } from "vitest";

/** Only in this process's environment. */
const environmentSecret = "canary-env-5f1d0c8e";
/** Only in the closure of the host that answers calls. */
export const closureSecret = "canary-closure-b7e24a96";

process.env["CANARY_SECRET"] = environmentSecret;

/** Everything a program had a hand in: its result, its error with position and tool, its logs, its calls. */
export function expectNothingLeaked(output: unknown): void {
  const text = JSON.stringify(output);
  for (const secret of [environmentSecret, closureSecret, process.cwd(), process.execPath, "file://"])
    expect(text.includes(secret), `the output holds ${secret}`).toBe(false);
}
