import { expect, test } from "vitest";
import { parseJson, replaceExact, toBigInt, writeJson } from "../src/json.ts";

const roundTrip = (text: string): string => JSON.stringify(parseJson(text));

test.for([
  ["9007199254740993", "9007199254740993"],
  ["-9007199254740993", "-9007199254740993"],
  ["9223372036854775807", "9223372036854775807"],
  ["9223372036854775808", "9223372036854775808"],
  ["18446744073709551615", "18446744073709551615"],
  ["9007199254740993.0", "9007199254740993"],
  ["9.007199254740993e15", "9007199254740993"],
  ["0.1234567890123456789", "0.1234567890123456789"],
  ["12345678901234567.89", "12345678901234567.89"],
  ["1e400", "1e400"],
  ["-1E+400", "-1E+400"],
  ['{"a":[{"id":123456789012345678}]}', '{"a":[{"id":123456789012345678}]}'],
  ["[\n9007199254740993,\t9007199254740995 ]", "[9007199254740993,9007199254740995]"],
] as const)("%s keeps its digits", ([text, written]) => {
  expect(roundTrip(text)).toBe(written);
});

test.for([
  ["0", 0],
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", 9007199254740992],
  ["9007199254740994", 9007199254740994],
  ["1e21", 1e21],
  ["100000000000000000000000", 1e23],
  ["0.30000000000000004", 0.30000000000000004],
  ["0.10000000000000001", 0.1],
  ["5e-324", 5e-324],
  ["1e-400", 0],
] as const)("%s is the number that a double holds", ([text, value]) => {
  expect(parseJson(text)).toBe(value);
});

test("digits in texts and keys are left alone", () => {
  const value = { "9007199254740993": "9007199254740993", at: ":9007199254740993," };
  expect(parseJson(JSON.stringify(value))).toEqual(value);
});

test("every number that JavaScript prints is read back as the number it was", () => {
  for (let exponent = -30; exponent < 30; exponent += 1)
    for (const digits of [1, 1 / 3, 1.2345678901234567, 9.007199254740993, 9.99999999999999]) {
      const number = digits * 10 ** exponent;
      expect(parseJson(JSON.stringify([number]))).toEqual([number]);
    }
});

test("what is no JSON is refused in the words of JSON.parse", () => {
  expect(() => parseJson("[9007199254740993")).toThrow(SyntaxError);
});

test("a text some thousand levels deep is read all the same", () => {
  const text = `${"[".repeat(200_000)}9007199254740993${"]".repeat(200_000)}`;
  expect(parseJson(text)).toHaveLength(1);
});

test("a BigInt is written as an integer where no number would do, and nowhere else", () => {
  expect(writeJson({ id: 9007199254740993n, n: 5 })).toBe('{"id":9007199254740993,"n":5}');
  expect(() => writeJson({ n: 5n })).toThrow("Do not know how to serialize a BigInt");
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => writeJson(cycle)).toThrow(TypeError);
});

test("what holds no such number is given back as it is, and shared", () => {
  const value = parseJson('{"plain":{"a":[1]},"long":[9007199254740993,0.1234567890123456789]}');
  const replaced = replaceExact(value, toBigInt);
  expect(replaced).toEqual({ plain: { a: [1] }, long: [9007199254740993n, 0.12345678901234568] });
  const plain = { a: [1, "x", null] };
  expect(replaceExact(plain, toBigInt)).toBe(plain);
});
