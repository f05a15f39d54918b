import fc from "fast-check";
import { expect, test } from "vitest";
import { exactly } from "../src/json/exact-number.ts";
import { mayLoseDigits, parseJson, replaceExact, toBigInt, writeJson } from "../src/json.ts";

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

/** What went wrong, or the value as text and its numbers as what they are. */
function told(read: () => unknown): unknown {
  try {
    const value = read();
    return { text: JSON.stringify(value), value };
  } catch (error) {
    return error instanceof SyntaxError ? error.message : error;
  }
}

test.for([
  "[9007199254740993",
  "[9007199254740993,]",
  "{9007199254740993:1}",
  '{"a":1,9007199254740993 \n: 1}',
  "[09007199254740993]",
  "[-]",
  "[1e400, 1e]",
  "[.1e400]",
  "[1.e400]",
  "[+1e400]",
  "[--1e400]",
  "[1e400 1e400]",
  "[1e400e400]",
  "[1e400.1]",
  '["a" 1e400]',
  '[1e400, "a]',
  "1e400\\",
  "",
])("%s is refused in the words of JSON.parse", (text) => {
  expect(told(() => parseJson(text))).toBe(told(() => JSON.parse(text)));
});

test.for([
  ['{"a":1e400,"a":1e500}', '{"a":1e500}'],
  ['{"a":1e400,"a":5}', '{"a":5}'],
  ['{"a":5,"a":1e400}', '{"a":1e400}'],
  ['{"a":9007199254740993,"a":9007199254740992}', '{"a":9007199254740992}'],
  ['{"a":{"b":1e400},"a":{"c":1}}', '{"a":{"c":1}}'],
  ['{"a":{"b":1e400},"a":[1e500]}', '{"a":[1e500]}'],
  ['{"a":[1e400],"a":{"0":1e500}}', '{"a":{"0":1e500}}'],
  ['{"a":[1e400],"a":{"0":5}}', '{"a":{"0":5}}'],
  ['{"a":1e400,"a":{"rawJSON":1e500},"a":1e600}', '{"a":1e600}'],
  ['{"a":1e400,"a":{"rawJSON":1e500}}', '{"a":{"rawJSON":1e500}}'],
  ['{"a":[1e400,[1e500],{"b":[{},1e600]}],"a":[[2],1]}', '{"a":[[2],1]}'],
] as const)("of a name that comes twice the last counts: %s", ([text, written]) => {
  expect(roundTrip(text)).toBe(written);
});

test("names are names, whatever they mean to JavaScript", () => {
  const text =
    '{"__proto__":1e400,"constructor":{"__proto__":{"prototype":1e500}},"toString":[1e600],"":{"":1e700},"\\u0061\\"":1e800,"7":1e900}';
  const value = parseJson(text) as object;
  expect(JSON.stringify(value)).toBe(JSON.stringify(asBefore(text)));
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(JSON.stringify(Object.prototype)).toBe("{}");
});

test("where V8 misreads a name, its value is a number all the same", () => {
  // It takes an escape for the name that it expects after the same names as before.
  expect(JSON.parse('{"misread":1,"\\\\":1}')).toEqual({ misread: 1, "\\": 1 });
  const value = parseJson('{"misread":1,"\\u0062":9007199254740993}') as object;
  expect(Number(JSON.stringify(Object.values(value)[1]))).toBe(9007199254740992);
});

test("a number far down keeps its digits too", () => {
  const text = `${"[".repeat(200_000)}9007199254740993${"]".repeat(200_000)}`;
  let inner = parseJson(text);
  while (Array.isArray(inner)) [inner] = inner;
  expect(inner).toEqual(JSON.rawJSON("9007199254740993"));
});

/** The same by visiting every value. */
function asBefore(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }) =>
    typeof value === "number" && source !== undefined ? exactly(source) : value,
  );
}

const digits = (most: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9]{0,${most}}$`));
const numberText = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt().map(String),
  fc
    .tuple(
      fc.constantFrom("", "-"),
      fc.oneof(
        fc.constant("0"),
        fc.tuple(fc.constantFrom("1", "9"), digits(22)).map(([one, rest]) => one + rest),
      ),
      fc.oneof(
        fc.constant(""),
        digits(22).map((rest) => `.0${rest}`),
        digits(3).map((rest) => `.${rest}0000`),
      ),
      fc.oneof(
        fc.constant(""),
        fc
          .tuple(fc.constantFrom("e", "E", "e+", "e-"), fc.integer({ min: 0, max: 400 }))
          .map(([e, power]) => e + power),
      ),
    )
    .map((parts) => parts.join("")),
);
const blank = fc.constantFrom("", "", "", " ", "\n\t");
const name = fc.oneof(
  fc.constantFrom('"a"', '"b"', '"0"', '"1"', '"__proto__"', '"rawJSON"', '"\\u0061"', '":1e400,"'),
  // V8 misreads escaped names after such.
  fc
    .string({ unit: "binary" })
    .filter((text) => !text.startsWith("\\"))
    .map((text) => JSON.stringify(text)),
);
/** Names come twice, are escaped, and mean something to JavaScript. */
const { text: jsonText } = fc.letrec<{ text: string; list: string; object: string }>((tie) => ({
  text: fc
    .tuple(
      blank,
      fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        numberText,
        fc.constantFrom("true", "null", "1e400"),
        name,
        tie("list"),
        tie("object"),
      ),
      blank,
    )
    .map((parts) => parts.join("")),
  list: fc.array(tie("text"), { maxLength: 5 }).map((items) => `[${items.join(",")}]`),
  object: fc
    .array(fc.tuple(name, blank, tie("text")), { maxLength: 6 })
    .map((entries) => `{${entries.map(([key, space, value]) => `${key}${space}:${value}`).join(",")}}`),
}));

/** fast-check prints the seed of what it finds. */
test("any text is read as by visiting every value", () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      expect(told(() => parseJson(text))).toEqual(told(() => asBefore(text)));
      if (!mayLoseDigits(text)) expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 3_000 },
  );
});

test("any text that was damaged is refused in the words of JSON.parse, or read", () => {
  const damage = fc.constantFrom("", "1e400", '"', "\\", ",", ":", "]", "}", "-", "0", "e9", ".");
  fc.assert(
    fc.property(jsonText, fc.nat(), damage, fc.nat({ max: 2 }), (text, place, put, cut) => {
      const at = place % (text.length + 1);
      const damaged = text.slice(0, at) + put + text.slice(at + cut);
      expect(told(() => parseJson(damaged))).toEqual(told(() => asBefore(damaged)));
    }),
    { numRuns: 3_000 },
  );
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
