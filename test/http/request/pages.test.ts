/** Pages of lists with rows of any size. */
import { expect, test } from "vitest";
import { firstPage, pageOf, shortened } from "../../../src/http/request/pages.ts";

const rows = (count: number, chars: number): readonly { readonly id: string; readonly text: string }[] =>
  Array.from({ length: count }, (_, index) => ({ id: `r${index}`, text: "x".repeat(chars) }));
const idOf = ({ id }: { readonly id: string }): string => id;

test("a page ends before its rows are too large together, and the next one begins there", () => {
  const large = rows(10, 1_000_000);
  const first = pageOf(large, { limit: 10 }, idOf);
  expect(first.data.map(idOf)).toEqual(["r0", "r1", "r2", "r3"]);
  const second = pageOf(large, { limit: 10, cursor: first.next_cursor ?? "" }, idOf);
  expect(second.data.map(idOf)).toEqual(["r4", "r5", "r6", "r7"]);
});

test("a row that is too large by itself is a page of its own", () => {
  const { data, next_cursor: next } = firstPage(rows(2, 9_000_000), 10, idOf);
  expect([data.map(idOf), next]).toEqual([["r0"], Buffer.from("r0").toString("base64url")]);
});

test("the last page has no cursor, and neither has an empty list", () => {
  expect(pageOf(rows(3, 1), { limit: 3 }, idOf).next_cursor).toBeNull();
  expect(pageOf([], { limit: 3 }, idOf)).toEqual({ data: [], next_cursor: null });
});

test("a shortened text ends in a mark, and never splits a character", () => {
  expect(shortened("short", 5)).toBe("short");
  expect(shortened("a longer one", 5)).toBe("a lo…");
  expect(shortened("ab😀cd", 4).isWellFormed()).toBe(true);
});
