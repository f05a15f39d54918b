/** Work that nobody waits for, and callbacks whose promises are taken for values. */
import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { remarksOf } from "../helpers/programs.ts";

afterAll(() => stop());

describe("a callback whose Promise is taken for a value refuses the program", () => {
  it.each<[code: string, said: string]>([
    [
      "const ids = [1, 2]; const ok = ids.filter((id) => shop.exists({ id })); return ok",
      "error 1:36 filter takes its callback's Promise for true: use for (const item of ids) with await in it, or const found = await Promise.all(ids.map(…)) and ids.filter((_, i) => found[i]).",
    ],
    [
      "const ids = [1, 2]; const ok = ids.filter(async (id) => (await shop.get({ id })).ok); return ok",
      "error 1:36 filter takes its callback's Promise for true: use for (const item of ids) with await in it, or const found = await Promise.all(ids.map(…)) and ids.filter((_, i) => found[i]).",
    ],
    [
      "const x = [1, 2].some(async (id) => (await shop.get({ id })).ok); return x",
      "error 1:18 some takes its callback's Promise for true: use for (const item of items) with await in it, or const found = await Promise.all(items.map(…)) and found.some(…).",
    ],
    [
      "const x = [1, 2].find(async (id) => (await shop.get({ id })).ok); return x",
      "error 1:18 find takes its callback's Promise for true: use for (const item of items) with await in it, or const found = await Promise.all(items.map(…)) and found.find(…).",
    ],
    [
      "const x = [1, 2].sort(async (a, b) => (await shop.get({ a })).n - b); return x",
      "error 1:18 sort cannot wait for its callback: await what it compares before, and sort that.",
    ],
    [
      '"a b".replace(/a/, async (m) => await shop.get({ m })); return 1',
      "error 1:7 replace cannot wait for its callback: await what it puts in before.",
    ],
    [
      'const s = "a b".replace(/a/, (m) => shop.get({ m })); return s',
      "error 1:17 replace cannot wait for its callback: await what it puts in before.",
    ],
  ])("%j", async (code, said) => {
    expect(await remarksOf(code)).toEqual([said]);
  });
});

describe("work that nobody waits for is told where it stands, with the way to wait", () => {
  it.each<[code: string, said: string]>([
    [
      "const rs = await Promise.all([1, 2].map((id) => { shop.get({ id }) })); return rs",
      "warning 1:51 shop.get(…) is not awaited: return it, or make the function async and add await.",
    ],
    [
      'const ids = [1, 2];\nids.forEach(async (id) => { await shop.update({ id }) });\nreturn "done"',
      "warning 2:5 forEach does not wait for its callback's Promises: use for (const item of ids) with await in it, or await Promise.all(ids.map(…)).",
    ],
    [
      "const ids = [1, 2]; let n = 0;\nids.forEach(async (id) => { const r = await shop.get({ id }); n += r.n; });\nreturn n",
      "warning 2:5 forEach does not wait for its callback's Promises: use for (const item of ids) with await in it, or await Promise.all(ids.map(…)).",
    ],
    [
      "[1, 2].forEach((id) => shop.update({ id }));\nreturn 1",
      "warning 1:8 forEach does not wait for its callback's Promises: use for (const item of items) with await in it, or await Promise.all(items.map(…)).",
    ],
    [
      "[1, 2].map(async (id) => { await shop.update({ id }) });\nreturn 1",
      "warning 1:1 Nobody waits for the Promises in this array: write await Promise.all(…) around it.",
    ],
    [
      "const ps = [1, 2].map(async (id) => { await shop.update({ id }) });\nreturn 1",
      "warning 1:12 Nobody waits for the Promises in this array: write await Promise.all(…) around it.",
    ],
    [
      "shop.get({}).then((r) => console.log(r.name));\nreturn 1",
      "warning 1:1 (…).then(…) is not awaited: add await.",
    ],
    [
      "setTimeout(async () => { await shop.update({}) }, 100);\nreturn 1",
      "warning 1:1 Nobody waits for what setTimeout calls: write await sleep(ms), and call it behind.",
    ],
    [
      "setTimeout(() => shop.update({}), 100);\nreturn 1",
      "warning 1:1 Nobody waits for what setTimeout calls: write await sleep(ms), and call it behind.",
    ],
    [
      "(async () => { await shop.update({}) })();\nreturn 1",
      "warning 1:1 This call is not awaited: add await.",
    ],
    [
      "const r = await new Promise(async (resolve) => { resolve(await shop.get({})) }); return r",
      "warning 1:29 An error in an async executor is lost, and the Promise stays open: write an async function, and await it.",
    ],
    [
      "async function go() { await shop.update({}) }\ngo();\nreturn 1",
      "warning 2:1 go(…) is not awaited: add await.",
    ],
    ["sleep(100); return 1", "warning 1:1 sleep(…) is not awaited: add await."],
    [
      "await [1, 2].forEach(async (id) => { await shop.update({ id }) });\nreturn 1",
      "warning 1:14 forEach does not wait for its callback's Promises: use for (const item of items) with await in it, or await Promise.all(items.map(…)).",
    ],
    [
      "const ids = [1]; await Promise.all(ids.map((id) => { shop.update({ id }); })); return 1",
      "warning 1:54 shop.update(…) is not awaited: return it, or make the function async and add await.",
    ],
    ["input.fast && shop.warm({});\nreturn 1", "warning 1:15 shop.warm(…) is not awaited: add await."],
    ["const r = shop.update({ id: 1 });\nreturn 1", "warning 1:11 shop.update(…) is not awaited: add await."],
  ])("%j", async (code, said) => {
    expect(await remarksOf(code)).toEqual([said]);
  });
});
