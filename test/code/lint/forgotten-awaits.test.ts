/** Promises where values are meant, without types: tools whose results nobody described. */
import { stop } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { remarksOf } from "../helpers/programs.ts";

afterAll(() => stop());

describe("a forgotten await is found before anything runs", () => {
  it.each<[code: string, said: string]>([
    [
      "const get = (id) => shop.get({ id }); const r = get(1); return r.name",
      'error 1:66 r is a Promise, which has no "name": put await before get(…).',
    ],
    [
      "const rs = [1,2].map((id) => shop.get({ id })); return rs.map((r) => r.items)",
      'error 1:72 r is a Promise, which has no "items": write await Promise.all(…) around […].map(…).',
    ],
    [
      "for (const r of [1,2].map((id) => shop.get({ id }))) console.log(r.x)",
      'error 1:68 r is a Promise, which has no "x": write await Promise.all(…) around […].map(…).',
    ],
    [
      "if (shop.exists({ id: 1 })) { await shop.buy({}) }\nreturn 1",
      "error 1:5 shop.exists(…) is a Promise here: add await.",
    ],
    [
      "if (await shop.ready() && shop.exists({ id: 1 })) return 2\nreturn 1",
      "error 1:27 shop.exists(…) is a Promise here: add await.",
    ],
    ["const { items } = shop.list(); return items", "error 1:19 shop.list(…) is a Promise here: add await."],
    [
      "const r = shop.list(); const { items } = r; return items",
      "error 1:42 r is a Promise: put await before shop.list(…).",
    ],
    ["return JSON.stringify(shop.list())", "error 1:23 shop.list(…) is a Promise here: add await."],
    [
      "await shop.buy({ item: shop.get({ id: 1 }) }); return 1",
      "error 1:24 shop.get(…) is a Promise here: add await.",
    ],
    [
      "const item = shop.get({ id: 1 }); await shop.buy({ item: item.id }); return 1",
      'error 1:63 item is a Promise, which has no "id": put await before shop.get(…).',
    ],
    [
      "const item = shop.get({ id: 1 }); await shop.buy({ item }); return 1",
      "error 1:14 shop.get(…) is a Promise here: add await.",
    ],
    ["return { a: shop.get({ id: 1 }), b: 2 }", "error 1:13 shop.get(…) is a Promise here: add await."],
    [
      "const out = { b: 2 }; out.a = shop.get({ id: 1 }); return out",
      "error 1:31 shop.get(…) is a Promise here: add await.",
    ],
    [
      "const rows = []; for (const id of [1,2]) rows.push({ id, s: shop.get({ id }) }); return rows",
      "error 1:61 shop.get(…) is a Promise here: add await.",
    ],
    [
      "const rows = []; for (const id of [1,2]) rows.push(shop.get({ id })); return rows",
      "error 1:52 shop.get(…) is a Promise here: add await, or wrap the array in await Promise.all(…).",
    ],
    [
      "const r = shop.get({ id: 1 }); return `x ${r}`",
      "error 1:44 r is a Promise: put await before shop.get(…).",
    ],
    ['return "a" + shop.get({ id: 1 })', "error 1:14 shop.get(…) is a Promise here: add await."],
    [
      "const a = shop.count(); if (a > 3) return 1; return 2",
      "error 1:29 a is a Promise: put await before shop.count(…).",
    ],
    [
      'switch (shop.state()) { case "a": return 1 } return 2',
      "error 1:9 shop.state(…) is a Promise here: add await.",
    ],
    ["const x = shop.flag() ?? {}; return x.name", "error 1:11 shop.flag(…) is a Promise here: add await."],
    ["const x = shop.flag() && 3; return x", "error 1:11 shop.flag(…) is a Promise here: add await."],
    ["const m = { ...shop.get({}) }; return m", "error 1:16 shop.get(…) is a Promise here: add await."],
    ["const l = [...shop.list({})]; return l", "error 1:15 shop.list(…) is a Promise here: add await."],
    [
      "const xs = await shop.list(); xs.items.sort((a, b) => shop.score({ a }) - shop.score({ b })); return xs",
      "error 1:55 shop.score(…) is a Promise here: add await.",
    ],
    [
      "async function load(id) { const r = await shop.get({ id }); return r }\nconst r = load(1); return r.name",
      'error 2:29 r is a Promise, which has no "name": put await before load(…).',
    ],
    [
      "async function load(id) { const r = await shop.get({ id }); return r }\nreturn load(1).name",
      'error 2:8 load(…) returns a Promise, which has no "name": write (await …).name.',
    ],
    [
      "const rs = await [1, 2].map(async (id) => await shop.get({ id })); return rs.map((r) => r.name)",
      "error 1:12 await does not wait for the Promises in an array: write await Promise.all(…).",
    ],
    [
      "const rs = Promise.all([1, 2].map((id) => shop.get({ id }))); return rs.map((r) => r.name)",
      'error 1:73 rs is a Promise, which has no "map": put await before Promise.all(…).',
    ],
    [
      "let r; r = shop.get({}); return r.name",
      'error 1:35 r is a Promise, which has no "name": put await before shop.get(…).',
    ],
    [
      "const r = await shop.get({ id: 1 }).name; return r",
      'error 1:17 shop.get(…) returns a Promise, which has no "name": write (await …).name.',
    ],
    [
      "const { get } = shop; const r = get({ id: 1 }); return r.name",
      'error 1:58 r is a Promise, which has no "name": put await before get(…).',
    ],
    [
      "const s = shop; const r = s.get({ id: 1 }); return r.name",
      'error 1:54 r is a Promise, which has no "name": put await before s.get(…).',
    ],
    [
      "const rs = [1, 2].map(shop.get); return rs.map((r) => r.name)",
      'error 1:57 r is a Promise, which has no "name": write await Promise.all(…) around […].map(…).',
    ],
    [
      "const total = (list) => list.items.length; return total(shop.list({}))",
      'error 1:30 list is a Promise, which has no "items": put await before shop.list(…).',
    ],
    [
      'const name = "get"; const r = shop[name]({}); return r.items',
      'error 1:56 r is a Promise, which has no "items": put await before shop[…](…).',
    ],
    [
      'const r = tools["shop"]["get-it"]({}); return r.items',
      'error 1:49 r is a Promise, which has no "items": put await before tools.shop["get-it"](…).',
    ],
    [
      'const found = tools.search("x"); return found.length',
      'error 1:47 found is a Promise, which has no "length": put await before tools.search(…).',
    ],
    [
      "return [shop.a(), shop.b()]",
      "error 1:9 shop.a(…) is a Promise here: add await, or wrap the array in await Promise.all(…).",
    ],
    [
      "return [1, 2].map((id) => shop.get({ id }))",
      "error 1:8 […].map(…) gives an array of Promises: write await Promise.all(…) around it.",
    ],
    [
      "return [1, 2].map(async (id) => { const r = await shop.get({ id }); return r.name })",
      "error 1:8 […].map(…) gives an array of Promises: write await Promise.all(…) around it.",
    ],
    [
      "async function main() { const a = shop.get({}); return { a } }",
      "error 1:35 shop.get(…) is a Promise here: add await.",
    ],
    [
      "async () => { const a = shop.get({}); return { a } }",
      "error 1:25 shop.get(…) is a Promise here: add await.",
    ],
    [
      "const x = [1, 2].reduce(async (acc, id) => { const r = await shop.get({ id }); acc.push(r); return acc }, []); return await x",
      'error 1:84 acc is a Promise, which has no "push": put await before […].reduce(…).',
    ],
    [
      "const x = [1, 2].reduce(async (acc, id) => acc + (await shop.get({ id })).n, 0); return await x",
      "error 1:44 acc is a Promise: put await before […].reduce(…).",
    ],
    [
      "const r = await Promise.all(shop.a(), shop.b()); return r",
      "error 1:29 Promise.all takes one array: write Promise.all([…]).",
    ],
    [
      "const r = shop.get({}); console.log(r); return 1",
      "error 1:37 r is a Promise: put await before shop.get(…).",
    ],
    ["console.log(shop.get({})); return 1", "error 1:13 shop.get(…) is a Promise here: add await."],
    [
      "const keys = Object.keys(shop.get({})); return keys",
      "error 1:26 shop.get(…) is a Promise here: add await.",
    ],
    [
      'let text = ""; text += shop.get({}); return text',
      "error 1:24 shop.get(…) is a Promise here: add await.",
    ],
    [
      "while (shop.more({})) await sleep(1)\nreturn 1",
      "error 1:8 shop.more(…) is a Promise here: add await.",
    ],
    ["const a = shop.ready({}) ? 1 : 2; return a", "error 1:11 shop.ready(…) is a Promise here: add await."],
    [
      'if (!shop.ready({})) throw new Error("x")\nreturn 1',
      "error 1:6 shop.ready(…) is a Promise here: add await.",
    ],
    [
      'if (shop.state({}) === "open") return 1\nreturn 2',
      "error 1:5 shop.state(…) is a Promise here: add await.",
    ],
    [
      'const s = shop.state({}); if (s === "open") return 1\nreturn 2',
      "error 1:31 s is a Promise: put await before shop.state(…).",
    ],
    [
      "const rs = [1, 2].map((id) => shop.get({ id })); return rs.filter((r) => r.ok).map(({ name }) => name)",
      'error 1:76 r is a Promise, which has no "ok": write await Promise.all(…) around […].map(…).',
    ],
    [
      "const rs = [1, 2].map((id) => shop.get({ id })); return rs.map(({ name }) => name)",
      "error 1:65 A Promise is taken apart here: write await Promise.all(…) around […].map(…).",
    ],
    [
      "const rs = [1, 2].map((id) => shop.get({ id })); const [a] = rs; return a.name",
      'error 1:75 a is a Promise, which has no "name": write await Promise.all(…) around […].map(…).',
    ],
    [
      "const rs = [1, 2].map((id) => shop.get({ id })); return rs[0].name",
      'error 1:63 […].map(…) is a Promise, which has no "name": write await Promise.all(…) around […].map(…).',
    ],
    [
      "const rs = [1, 2].map((id) => shop.get({ id })); return rs.reduce((s, r) => s + r.n, 0)",
      'error 1:83 r is a Promise, which has no "n": write await Promise.all(…) around […].map(…).',
    ],
    [
      "const rs = []; for (const id of [1]) { rs.push(shop.get({ id })) } return rs.map((r) => r.n)",
      'error 1:91 r is a Promise, which has no "n": put await before shop.get(…).',
    ],
    [
      'const rs = [1, 2].map((id) => shop.get({ id })); return rs.join(",")',
      "error 1:12 […].map(…) gives an array of Promises: write await Promise.all(…) around it.",
    ],
    [
      "const a = Promise.all([shop.a(), shop.b()]); const [x, y] = a; return x",
      "error 1:61 a is a Promise: put await before Promise.all(…).",
    ],
    [
      "for (const x of shop.list({})) console.log(x)",
      "error 1:17 shop.list(…) is a Promise here: add await.",
    ],
    [
      "for await (const x of shop.list({})) console.log(x)",
      "error 1:23 shop.list(…) is a Promise here: add await.",
    ],
    [
      "const api = { get: (id) => shop.get({ id }) }; const r = api.get(1); return r.name",
      'error 1:79 r is a Promise, which has no "name": put await before api.get(…).',
    ],
    [
      "const r = input.a ? shop.get({ id: 1 }) : shop.get({ id: 2 }); return r.name",
      'error 1:73 r is a Promise, which has no "name": put await before shop.get(…).',
    ],
  ])("%j", async (code, said) => {
    expect(await remarksOf(code)).toEqual([said]);
  });
});

describe("a promise that somebody waits for is nobody's mistake", () => {
  it.each([
    "const [a, b] = await Promise.all([shop.a(), shop.b()]); return a.x + b.y",
    "const p = shop.a(); const q = shop.b(); return [(await p).x, (await q).y]",
    "const ps = [1, 2].map((id) => shop.get({ id })); const rs = await Promise.all(ps); return rs.map((r) => r.name)",
    "const ps = []; for (const id of [1, 2]) ps.push(shop.get({ id })); const rs = await Promise.all(ps); return rs.map((r) => r.name)",
    "const ps = [1, 2].map(async (id) => { const r = await shop.get({ id }); return r.name }); const out = []; for (const p of ps) out.push(await p); return out",
    "const jobs = { a: shop.a(), b: shop.b() }; return { a: await jobs.a, b: await jobs.b }",
    "const jobs = {}; for (const id of [1, 2]) jobs[id] = shop.get({ id }); const out = {}; for (const id of [1, 2]) out[id] = await jobs[id]; return out",
    "const jobs = {}; for (const id of [1, 2]) jobs[id] = shop.get({ id }); for (const id of [1, 2]) jobs[id] = await jobs[id]; return jobs",
    "const jobs = new Map(); for (const id of [1, 2]) jobs.set(id, shop.get({ id })); const out = []; for (const [id, p] of jobs) out.push([id, await p]); return out",
    "const get = (id) => shop.get({ id }); const r = await get(1); return r.name",
    "const get = (id) => shop.get({ id }); return Promise.all([1, 2].map(get))",
    "return shop.get({}).then((r) => r.name).catch((e) => e.message)",
    "const cache = new Map(); const get = (id) => { if (!cache.has(id)) cache.set(id, shop.get({ id })); return cache.get(id) }; const r = await get(1); return r.name",
    "let p = null; if (input.x) p = shop.a(); const r = p ? await p : null; return r",
    "let p; for (const id of [1]) { p = shop.get({ id }); if (p) await p }\nreturn 1",
    "let r = shop.get({ id: 1 }); r = await r; return r.name",
    "const rs = await [1, 2, 3].reduce(async (acc, id) => { const list = await acc; list.push(await shop.get({ id })); return list }, Promise.resolve([])); return rs",
    "const rs = await [1, 2, 3].reduce((p, id) => p.then(async (list) => [...list, await shop.get({ id })]), Promise.resolve([])); return rs",
    'const timeout = new Promise((resolve) => setTimeout(() => resolve("late"), 1000)); const r = await Promise.race([shop.get({}), timeout]); return r',
    "await new Promise((r) => setTimeout(r, 10)); return 1",
    "const r = await new Promise((resolve, reject) => { shop.get({}).then(resolve, reject) }); return r",
    "async function all(items, f) { const out = []; for (const i of items) out.push(await f(i)); return out }\nreturn await all([1, 2], (id) => shop.get({ id }))",
    "async function pool(items, n, f) { const out = []; let i = 0; const work = async () => { while (i < items.length) { const k = i++; out[k] = await f(items[k]) } }; await Promise.all(Array.from({ length: n }, work)); return out }\nreturn await pool([1, 2], 2, async (id) => { const r = await shop.get({ id }); return { id, name: r.name } })",
    'const rs = await Promise.allSettled([1, 2].map((id) => shop.get({ id }))); return rs.filter((r) => r.status === "fulfilled").map((r) => r.value.name)',
    "const tasks = [() => shop.a(), () => shop.b()]; const out = []; for (const t of tasks) out.push(await t()); return out",
    "const pages = []; let page = 1; while (true) { const r = await shop.list({ page }); pages.push(...r.items); if (!r.next) break; page = r.next } return pages",
    "const rows = await Promise.all([1, 2].map(async (id) => ({ id, stock: await shop.stock({ id }) }))); return rows",
    "const rows = [1, 2].map((id) => ({ id, p: shop.stock({ id }) })); for (const row of rows) { row.stock = await row.p; delete row.p } return rows",
    "const rows = [1, 2].map((id) => ({ id, p: shop.stock({ id }) })); const out = []; for (const { id, p } of rows) out.push({ id, s: await p }); return out",
    "const inflight = new Set(); for (const id of [1, 2]) { const p = shop.get({ id }).finally(() => inflight.delete(p)); inflight.add(p); if (inflight.size > 3) await Promise.race(inflight) } await Promise.all(inflight); return 1",
    "const p1 = shop.a(), p2 = shop.b(); const first = await Promise.race([p1, p2]); return first",
    "async function main() { const r = await shop.get({}); return { r } }\nmain()",
    "async function main() { const r = await shop.get({}); return { r } }\nawait main();",
    "const main = async () => { const r = await shop.get({}); return { r } }; return main()",
    "class Q { constructor() { this.jobs = [] } map(f) { this.jobs.push(f); return this } async run() { const out = []; for (const j of this.jobs) out.push(await j()); return out } }\nreturn await new Q().map(() => shop.a()).map(() => shop.b()).run()",
    "const api = { async filter(f) { return (await shop.list()).items.filter(f) } }; return await api.filter((x) => x.ok)",
    "const { a, b } = await Promise.all([shop.a(), shop.b()]).then(([a, b]) => ({ a, b })); return { a, b }",
    "const t = typeof shop.get; return t",
    "return await Promise.all(Object.entries({ a: 1 }).map(async ([k, v]) => [k, await shop.get({ v })]))",
    "return Object.fromEntries(await Promise.all([1].map(async (id) => [id, await shop.get({ id })])))",
    'const get = async (id) => { try { return await shop.get({ id }) } catch { return null } }; const r = await get(1); return r ? r.name : "none"',
    "const isOk = async (id) => (await shop.get({ id })).ok; const out = []; for (const id of [1, 2]) if (await isOk(id)) out.push(id); return out",
    "const p = shop.get({}); p.catch(() => {}); await sleep(1); return (await p).name",
    "let r; try { r = await shop.get({}) } catch (e) { r = { error: e.message } } return r",
    "const load = async () => { const p = shop.a(); const q = await shop.b(); return { a: await p, q } }; return await load()",
    "const x = shop.a; const r = await x({}); return r.y",
    "async function* gen() { for (const id of [1, 2]) yield await shop.get({ id }) }\nconst out = []; for await (const r of gen()) out.push(r.name); return out",
    "const ps = [shop.a(), shop.b()]; const out = []; for await (const r of ps) out.push(r.name); return out",
    "const memo = {}; async function get(id) { return (memo[id] ??= shop.get({ id })) }; return (await get(1)).name",
    "const memo = {}; function get(id) { return memo[id] || (memo[id] = shop.get({ id })) }; return (await get(1)).name",
    'const results = {}; await Promise.all(["a", "b"].map(async (k) => { results[k] = await shop.get({ k }) })); return results',
    "const results = []; await Promise.all([1, 2].map((id) => shop.get({ id }).then((r) => results.push(r.name)))); return results",
    "const done = []; const step = (p) => p.then((x) => { done.push(x); return x }); await Promise.all([step(shop.a()), step(shop.b())]); return done",
    "const wait = (p) => Promise.race([p, sleep(10)]); const r = await wait(shop.get({})); return r",
    "const withRetry = async (f, n = 3) => { for (let i = 0; i < n; i++) { try { return await f() } catch (e) { if (i === n - 1) throw e } } }; const r = await withRetry(() => shop.get({})); return r.name",
    "const f = (p) => p; const r = await f(shop.get({})); return r.name",
    "const both = async (p) => { const r = await p; return r.name }; return await both(shop.get({}))",
    "const isP = (v) => v instanceof Promise; return isP(shop.get({})) ? 1 : 2",
    'const isP = (v) => v && typeof v.then === "function"; return isP(shop.get({}))',
    "const unwrap = async (v) => (v && v.then ? await v : v); const r = await unwrap(shop.get({})); return r.name",
    'const a = await shop.list(); const names = a.items.map((i) => i.name).join(", "); return `Names: ${names}`',
    "for (const id of [1, 2]) { const p = shop.get({ id }); const r = await p; console.log(`${r.name}`) }\nreturn 1",
    "const result = await (async () => { const r = await shop.get({}); return r.name })(); return result",
    "const [r] = await Promise.all([shop.get({}), sleep(5)]); return r.name",
    "const promises = [1, 2].map((id) => shop.get({ id })); const all = Promise.all(promises); const rs = await all; return rs.length",
    "var p = shop.get({}); var p = 3; return p + 1",
    "const users = await shop.list(); return users.items.sort((a, b) => a.n - b.n).map(({ name, ...rest }) => ({ name, rest }))",
    "const groups = Map.groupBy((await shop.list()).items, (i) => i.kind); return [...groups].map(([k, v]) => ({ k, n: v.length }))",
    "const cmp = (a, b) => a.n - b.n; const xs = (await shop.list()).items; xs.sort(cmp); return xs",
    "const github = tools.github; return await github.list_issues({})",
    "const run = async (shop) => await shop.list({}); return await run(shop)",
    "for (const shop of [tools.a, tools.b]) { await shop.list({}) }\nreturn 1",
    'const shop = { name: "x" }; return shop.name',
    "const shops = await tools.market.list({}); return shops.items.map((shop) => shop.name.toUpperCase())",
    'const order = ["b", "a"]; order.sort(); const shop = order.map((x) => x); return shop.map((x) => x).filter(Boolean)',
    "const r = await Promise.any([shop.a(), shop.b()]); return r.name",
    "const results = await Promise.all([1, 2].map((id) => shop.get({ id }).catch((e) => ({ error: e.message })))); return results.map((r) => r.name ?? r.error)",
    "const a = shop.a(), b = shop.b(); await a; await b; return 1",
    "const out = []; const add = async (id) => { out.push(await shop.get({ id })) }; await Promise.all([add(1), add(2)]); return out.map((r) => r.name)",
    "const q = []; q.push(shop.a()); q.push(shop.b()); while (q.length) { const r = await q.shift(); console.log(r.name) } return 1",
    "const q = [shop.a(), shop.b()]; let p; while ((p = q.shift())) { const r = await p; console.log(r.name) } return 1",
    "const state = { p: null }; state.p = shop.a(); const r = await state.p; state.p = null; return { r, state }",
    "const r = (await Promise.all([1].map((id) => shop.get({ id })))).map((x) => x.name); return r",
    "const entries = [1].map((id) => [id, shop.get({ id })]); const out = {}; for (const [id, p] of entries) out[id] = (await p).name; return out",
    'const x = await shop.get({}); const shopName = x?.name ?? "none"; if (x) return shopName; return x && x.name',
    'import { shop } from "tools"; const r = await shop.get({}); return r.name',
    "async function page(n, acc = []) { const r = await shop.list({ n }); acc.push(...r.items); return r.next ? page(n + 1, acc) : acc } return await page(1)",
    "let p = Promise.resolve(); const out = []; for (const id of [1, 2]) p = p.then(async () => { out.push(await shop.get({ id })) }); await p; return out",
    "const ps = []; [1, 2].forEach((id) => ps.push(shop.get({ id }))); const rs = await Promise.all(ps); return rs.map((r) => r.name)",
    'const text = "a b"; const ps = []; text.replace(/\\w/g, (m) => { ps.push(shop.get({ m })); return m }); return await Promise.all(ps)',
    "class Api { constructor(s) { this.s = s; this.cache = new Map() } get(id) { if (!this.cache.has(id)) this.cache.set(id, this.s.get({ id })); return this.cache.get(id) } async name(id) { return (await this.get(id)).name } }\nconst api = new Api(shop); return await Promise.all([1, 1].map((id) => api.name(id)))",
    "const { a, b, ...rest } = await shop.get({}); const { x = a } = rest; return { a, b, x }",
    "const byId = new Map((await shop.list({})).items.map((i) => [i.id, i])); return [...byId.keys()]",
    "const steps = { a: async () => await shop.a({}), b: async () => await shop.b({}) }; const out = {}; for (const [k, f] of Object.entries(steps)) out[k] = await f(); return out",
    'const call = (tool, args) => tools.shop[tool](args); const r = await call("get", {}); return r.name',
    "const fns = [shop.a, shop.b]; const rs = await Promise.all(fns.map((f) => f({}))); return rs",
    "const out = await Promise.all([shop.a({}), shop.b({})]); const [x, y] = out; return { x: x.n, y: y.n, all: out }",
    "const start = Date.now(); const r = await shop.get({}); return { r, ms: Date.now() - start }",
    "const p = shop.get({}); try { return { r: await p } } catch (e) { return { e: e.message } }",
    "const a = shop.a({}); const b = shop.b({}); const r = { a: await a, b: await b }; return JSON.stringify(r)",
    "const p = shop.get({}); const q = p.then((r) => r.name); return await q",
    "const p = shop.get({}); const [r, t] = await Promise.all([p, p.then((x) => x.n)]); return { r, t }",
    "const chunk = (xs, n) => xs.length ? [xs.slice(0, n), ...chunk(xs.slice(n), n)] : []; const out = []; for (const c of chunk([1, 2, 3], 2)) out.push(...await Promise.all(c.map((id) => shop.get({ id })))); return out",
    "const sem = []; const run = async (f) => { while (sem.length > 2) await Promise.race(sem); const p = f(); sem.push(p); p.finally(() => sem.splice(sem.indexOf(p), 1)); return p }; return await Promise.all([1, 2].map((id) => run(() => shop.get({ id }))))",
    "let done = false; const p = shop.get({}).then((r) => { done = true; return r }); while (!done) await sleep(1); return await p",
    'const tasks = new Map([["a", shop.a({})], ["b", shop.b({})]]); const out = {}; for (const [k, p] of tasks) out[k] = (await p).n; return out',
    "function* ids() { yield 1; yield 2 } const out = []; for (const id of ids()) out.push(await shop.get({ id })); return out",
    "const obj = { async load() { this.r = await shop.get({}); return this } }; return (await obj.load()).r",
    "const maybe = input.x && shop.get({}); const r = await maybe; return r || null",
    "const r = input.x ? await shop.a({}) : shop.b({}); return r",
    "const get = async (id) => shop.get({ id }); const rs = await Promise.all([get(1), get(2)]); return rs.map((r) => r.name)",
    "const all = await Promise.all((await shop.list({})).items.map(async ({ id, ...rest }) => ({ id, ...rest, more: await shop.get({ id }) }))); return all.filter((x) => x.more.ok)",
    'const r = await shop.get({}); const log = []; log.push(`got ${r.name}`); log.push("x"); return log.join("\\n")',
    "const p = shop.get({}); const isDone = await Promise.race([p.then(() => true), sleep(1).then(() => false)]); return isDone ? await p : null",
    "export default async function () { const r = await shop.get({}); return { name: r.name } }",
    "const main = async () => { const jobs = [1, 2].map((id) => ({ id, job: shop.get({ id }) })); const out = []; for (const j of jobs) { const r = await j.job; out.push({ id: j.id, name: r.name }) } return out }; main()",
    "const jobs = [1, 2].map((id) => ({ id, job: shop.get({ id }) })); const rs = await Promise.all(jobs.map((j) => j.job)); return jobs.map((j, i) => ({ id: j.id, name: rs[i].name }))",
    "const jobs = [1, 2].map((id) => ({ id, job: shop.get({ id }) })); const rs = await Promise.all(jobs.map(async ({ id, job }) => ({ id, r: await job }))); return rs",
    "const results = []; for (const id of [1, 2]) { results.push({ id, data: await shop.get({ id }) }) } results.sort((a, b) => a.data.n - b.data.n); return results",
  ])("%j", async (code) => {
    expect(await remarksOf(code)).toEqual([]);
  });
});
