import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { originOfPlace } from "../../../sandbox/origins.ts";
import { originsOf } from "../../../src/code/compile.ts";
import { originalPosition } from "../../../src/code/syntax/positions.ts";
import { compiled, evaluate } from "../helpers/programs.ts";

afterAll(() => stop());

/** Where the program threw: its own position of the innermost frame, as the author knows it. */
async function thrownAt(code: string): Promise<string> {
  const program = await compiled(code);
  const error: unknown = await evaluate(program).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const frame = /program\.js:(\d+):(\d+)/.exec(error instanceof Error ? (error.stack ?? "") : "");
  // The stand-in's wrapper shares the first line; every program's text starts on the second.
  const place = { line: Number(frame?.[1]), column: Number(frame?.[2]) };
  const found = originOfPlace(originsOf(program.positions), place);
  expect(found).toEqual(originalPosition(program.positions, place.line, place.column));
  return `${found?.line}:${found?.column}`;
}

describe("an error's position leads to the author's text", () => {
  it.each<[form: string, code: string, at: string]>([
    ["plain JavaScript", "const a = 1;\n  null.x", "2:8"],
    ["TypeScript", "interface A { x: 1 }\nconst a: number = 1;\n\n  throw new Error(`${a}`)", "4:9"],
    ["an expression that is returned", "\n\n   boom()", "3:4"],
    ["a default export", "export default async () => {\n  boom();\n}", "2:3"],
    ["a fence with prose around it", "Look:\n\n```js\nconst a = 1;\nboom(a)\n```\nBye", "5:1"],
    [
      "TypeScript of all kinds inside a fence",
      "Here:\n```ts\nenum E { A }\ninterface X { a: E }\nexport default async () => {\n  const q: X = { a: E.A };\n\n  /* é😀 */ boom(q);\n}\n```",
      "8:13",
    ],
    ["a function that is called for the author", "async function main() {\n  boom()\n}\nconst n = 1", "2:3"],
    ["JSON with the code", '{"code": "const a = 1;\\nboom(a)"}', "1:25"],
    ["escaped line breaks", "const a = 1;\\n  boom(a);\\nreturn a", "1:17"],
    ["Windows line ends", "const a = 1;\r\n\r\n boom(a)", "3:2"],
    ["characters of two units", 'const s = "😀😀"; boom(s)', "1:19"],
    ["a byte order mark", "\ufeffboom()", "1:2"],
  ])("in %s", async (_form, code, at) => {
    expect(await thrownAt(code)).toBe(at);
  });

  it("and one that is not the author's leads nowhere", async () => {
    const { js, positions } = await compiled("return 1");
    const lines = js.split("\n").length;
    for (const [line, column] of [
      [0, 1],
      [1, 1],
      [lines, 1],
      [lines + 5, 1],
      [2, 0],
      [Number.NaN, 1],
    ] as const)
      expect(originalPosition(positions, line, column)).toBeUndefined();
    expect(originalPosition(positions, 2, 8)).toEqual({ line: 1, column: 8 });
  });
});
