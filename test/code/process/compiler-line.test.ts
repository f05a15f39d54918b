/** Who is next for the compiler after one of its processes died: suspects, each alone. */
import { describe, expect, it } from "vitest";
import { CompilerLine, type Waiting } from "../../../src/code/process/compiler-line.ts";

const job = (owner: string): Waiting => ({ owner, suspect: false });

describe("a text that was in a compiler as it died", () => {
  it("goes before everybody who waits, and once the compiler is empty", () => {
    const line = new CompilerLine<Waiting>();
    const [working, suspect, waiting] = [job("ann"), job("bob"), job("cid")];
    line.push(waiting);
    line.pushSuspects([suspect]);
    expect(line.next([working])).toBeUndefined();
    expect(line.next([])).toBe(suspect);
  });

  it("has nobody beside it, not even another that was there", () => {
    const line = new CompilerLine<Waiting>();
    const [first, second, waiting] = [job("ann"), job("bob"), job("cid")];
    line.push(waiting);
    line.pushSuspects([first, second]);
    expect(line.next([])).toBe(first);
    expect(line.next([first])).toBeUndefined();
    expect(line.next([])).toBe(second);
    expect(line.next([second])).toBeUndefined();
    expect(line.next([])).toBe(waiting);
  });

  it("leaves the line when its sender gives up", () => {
    const line = new CompilerLine<Waiting>();
    const suspect = job("ann");
    line.pushSuspects([suspect]);
    line.remove(suspect);
    expect(line.size).toBe(0);
    expect(line.next([])).toBeUndefined();
  });
});
