import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GuestLog } from "../../../sandbox/index.ts";
import { LogCap } from "../../../sandbox/session/log-cap.ts";

const MARK = /\[output cut here: (?:(?<lines>[\d,]+) lines?, )?(?<chars>[\d,]+) characters? left out\]/;

/** What is passed on of these lines, as they come and at the end. */
function capped(
  texts: readonly string[],
  logLines: number,
  logBytes: number,
): { readonly live: readonly string[]; readonly all: readonly string[]; readonly cap: LogCap } {
  const all: string[] = [];
  const cap = new LogCap({ logLines, logBytes }, ({ text }) => void all.push(text));
  for (const text of texts) cap.take({ level: "log", text });
  const live = [...all];
  cap.close();
  return { live, all, cap };
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);

describe("the output of a run", () => {
  it("is passed on as it comes up to half of the limits, and the rest at the end", () => {
    expect(capped(numbers(10), 10, 1_000)).toMatchObject({ live: numbers(5), all: numbers(10) });
  });

  it("past the limits has a mark in the middle, which says how much is missing", () => {
    expect(capped(numbers(20), 6, 1_000).all).toEqual([
      ...["0", "1", "2", "[output cut here: 14 lines, 21 characters left out]", "17", "18", "19"],
    ]);
  });

  it("keeps the levels of its lines", () => {
    const all: GuestLog[] = [];
    const cap = new LogCap({ logLines: 2, logBytes: 1_000 }, (entry) => void all.push(entry));
    for (const level of ["error", "log", "warn"] as const) cap.take({ level, text: level });
    cap.close();
    expect(all.map(({ level }) => level)).toEqual(["error", "log", "warn"]);
  });

  it("of one line is cut inside it, and no character in half", () => {
    expect(capped([`${"é".repeat(50)}${"𝕏".repeat(50)}`], 5, 21).all).toEqual([
      `${"é".repeat(5)}[output cut here: 141 characters left out]${"𝕏".repeat(2)}`,
    ]);
  });

  it("is marked as cut also where the guest left lines, or the middle of one, out", () => {
    const all: string[] = [];
    const cap = new LogCap({ logLines: 4, logBytes: 8 }, ({ text }) => void all.push(text));
    cap.take({ level: "log", text: "a" });
    cap.take({ level: "log", text: "bbbbbbbb", gap: { chars: 1_000, tail: "cccccccc" } });
    expect(cap.rest()).toEqual([
      { level: "log", text: "bbb[output cut here: 1,009 characters left out]cccc" },
    ]);
    cap.take({ level: "log", text: "held" });
    cap.skip(3, 30);
    cap.take({ level: "log", text: "end" });
    cap.close();
    expect(all).toEqual(["a", "bbb[output cut here: 4 lines, 1,047 characters left out]", "end"]);
  });

  it("says nothing twice", () => {
    const { all, cap } = capped(numbers(20), 6, 1_000);
    const before = all.length;
    cap.close();
    expect(all).toHaveLength(before);
    expect(cap.rest()).toEqual([]);
  });

  it("has a beginning and an end within its limits, and a mark that adds up to what was printed", () => {
    const line = fc.oneof(fc.string({ unit: "grapheme", maxLength: 12 }), fc.constant("x".repeat(60)));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.nat(12), fc.nat(90), (texts, logLines, logBytes) => {
        const { all, cap } = capped(texts, logLines, logBytes);
        const printed = texts.join("");
        const shown = all.join("");
        const mark = MARK.exec(shown);
        expect(Buffer.byteLength(shown.replace(MARK, ""))).toBeLessThanOrEqual(logBytes);
        expect(cap.bytes).toBeLessThanOrEqual(logBytes);
        if (mark === null) {
          expect(all).toEqual(texts);
          return;
        }
        const [head = "", tail = ""] = shown.split(mark[0]);
        expect(printed.startsWith(head)).toBe(true);
        expect(printed.endsWith(tail)).toBe(true);
        const missing = Number(mark.groups?.["chars"]?.replaceAll(",", ""));
        expect(head.length + missing + tail.length).toBe(printed.length);
        expect(all.length).toBeLessThanOrEqual(logLines + 1);
      }),
    );
  });
});
