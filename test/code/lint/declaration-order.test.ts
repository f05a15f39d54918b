/** Names that have no value yet, or cannot be given another. */
import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { remarksOf } from "../helpers/programs.ts";

afterAll(() => stop());

describe("a name that certainly fails refuses the program before anything runs", () => {
  it.each<[code: string, said: string]>([
    [
      "const total = 1;\nawait shop.buy({});\ntotal = 2; return total",
      "error 3:1 total is a const and cannot be assigned: declare it with let, or use another name.",
    ],
    [
      "for (const i = 0; i < 3; i++) { await shop.buy({}) }\nreturn 1",
      "error 1:26 i is a const and cannot be assigned: write for (let i = …).",
    ],
    [
      "const [a, b] = [1, 2]; [a] = [3]; return a + b",
      "error 1:25 a is a const and cannot be assigned: declare it with let, or use another name.",
    ],
    [
      "const o = 1; for (o of [1]) { } return o",
      "error 1:19 o is a const and cannot be assigned: declare it with let, or use another name.",
    ],
    [
      "const o = 1; o += 1; return o",
      "error 1:14 o is a const and cannot be assigned: declare it with let, or use another name.",
    ],
    [
      "const f = () => { n++ }; const n = 1; f(); return n",
      "error 1:19 n is a const and cannot be assigned: declare it with let, or use another name.",
    ],
    [
      "await shop.buy({ x: limit }); const limit = 3; return 1",
      "error 1:21 limit is used before its declaration: move the declaration above this line.",
    ],
    [
      "const shop = await shop.list({}); return shop",
      "error 1:20 shop is a variable here and not the tool server or tool: rename the variable.",
    ],
    [
      "const { shop } = await shop.list({}); return shop",
      "error 1:24 shop is a variable here and not the tool server or tool: rename the variable.",
    ],
    [
      "const r = await shop.list({}); { const x = shop.y; const shop = 3; } return r",
      "error 1:44 shop is a variable here and not the tool server or tool: rename the variable.",
    ],
    [
      "if (input.a) { await shop.buy({}); let shop = 1; }\nreturn 1",
      "error 1:22 shop is a variable here and not the tool server or tool: rename the variable.",
    ],
    [
      "run(); const rate = 2; function run() { return rate }\nreturn 1",
      "error 1:1 run(…) uses rate, which is declared further down: move the declaration above this line.",
    ],
    [
      "await run(); const rate = 2; async function run() { await shop.buy({}); return rate }\nreturn 1",
      "error 1:7 run(…) uses rate, which is declared further down: move the declaration above this line.",
    ],
    [
      "const out = (() => x)(); const x = 1; return out",
      "error 1:13 This call uses x, which is declared further down: move the declaration above this line.",
    ],
    [
      "const a = new A(); class A { }\nreturn a",
      "error 1:15 A is used before its declaration: move the declaration above this line.",
    ],
    [
      "class B extends A { }\nclass A { }\nreturn new B()",
      "error 1:17 A is used before its declaration: move the declaration above this line.",
    ],
    [
      "for (const item of item.list) { } return 1",
      "error 1:20 item is used before its declaration: move the declaration above this line.",
    ],
    [
      "const x = x + 1; return x",
      "error 1:11 x is used in its own value, before it has one: rename the variable.",
    ],
    [
      "let x = x ?? 1; return x",
      "error 1:9 x is used in its own value, before it has one: rename the variable.",
    ],
    [
      "input = 3; return input",
      "error 1:1 input cannot be assigned: give the value a variable with a name of its own.",
    ],
    [
      "shop = await shop.list({}); return shop",
      "error 1:1 shop cannot be assigned: give the value a variable with a name of its own.",
    ],
    [
      "const a = 1; const a = 2; return a",
      "error 1:20 Identifier 'a' has already been declared. Rename one of the two, or drop the second declaration.",
    ],
    [
      "let a = 1; function a() { } return a",
      "error 1:21 Identifier 'a' has already been declared. Rename one of the two, or drop the second declaration.",
    ],
    [
      "function f() { return typeof y } f(); let y = 1; return y",
      "error 1:34 f(…) uses y, which is declared further down: move the declaration above this line.",
    ],
    [
      "switch (input.k) { case 1: use(v); break; case 2: let v = 3; } function use(x) { return x } return 1",
      "error 1:32 v is used before its declaration: move the declaration above this line.",
    ],
    [
      "const f = function () { return g() }; f(); const g = () => 1; return 1",
      "error 1:39 f(…) uses g, which is declared further down: move the declaration above this line.",
    ],
    [
      "let a = 1; { console.log(a); let a = 2; } return a",
      "error 1:26 a is used before its declaration: move the declaration above this line.",
    ],
  ])("%j", async (code, said) => {
    expect(await remarksOf(code)).toEqual([said]);
  });
});

describe("a name that fails if there is anything to call is a warning", () => {
  it("in a callback above its declaration", async () => {
    expect(
      await remarksOf("const all = input.ids.map((n) => n * rate);\nconst rate = 2;\nreturn all"),
    ).toEqual(["warning 1:38 rate is used before its declaration: move the declaration above this line."]);
  });
});

describe("a name that has its value by then is nobody's mistake", () => {
  it.each([
    'const log = (m) => console.log(m); log("x"); return 1',
    "return [1, 2, 3].filter((id) => id > 1).find((id) => id > 2)",
    "function helper(x) { return x * rate } const rate = 2; return helper(3)",
    "const f = () => total; const total = 3; return f()",
    "if (input.x) { const shop2 = 1; } let y = 1; { let y = 2; y++ } return y",
    'switch (input.k) { case "a": { const v = 1; return v } default: { const v = 2; return v } }',
    "class A { static make() { return new A() } } const a = A.make(); return a instanceof A",
    "const fact = (n) => (n < 2 ? 1 : n * fact(n - 1)); return fact(5)",
    "const { a, b = a } = input; return b",
    "const onDone = () => { clearTimeout(t) }; const t = setTimeout(onDone, 1); return 1",
    "for (let i = 0; i < 3; i++) { } for (const k in { a: 1 }) { } for (const x of [1]) { } return 1",
    "let n = 0; const inc = () => { n++ }; inc(); return n",
    "async function a() { return b() } async function b() { return 1 } return await a()",
    "const fn = function shop() { return 1 }; return fn()",
  ])("%j", async (code) => {
    expect(await remarksOf(code)).toEqual([]);
  });
});
