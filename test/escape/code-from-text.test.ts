/** Code from text: no function leads to a constructor that builds some, eval is gone, and import loads nothing. */
import { openArena } from "./helpers/arena.ts";
import { noRoute } from "./helpers/routes.ts";

const { attack } = openArena();

attack(
  noRoute("no function of a program leads to a constructor that builds code from text", {
    arrow: "(() => 1).constructor('return 7')() === 7",
    "named function": "(function f() {}).constructor('return 7')() === 7",
    method: "({ m() {} }).m.constructor('return 7')() === 7",
    accessor:
      "Object.getOwnPropertyDescriptor({ get x() { return 1 } }, 'x').get.constructor('return 7')() === 7",
    class: "(class {}).constructor('return 7')() === 7",
    "static block":
      "(class { static made; static { this.made = this.constructor('return 7')() } }).made === 7",
    bound: "(function () {}).bind(null).constructor('return 7')() === 7",
    "async function": "await (async () => 1).constructor('return 7')() === 7",
    generator: "(function* () {}).constructor('yield 7')().next().value === 7",
    "async generator": "(await (async function* () {}).constructor('yield 7')().next()).value === 7",
    "with new": "new ((() => 1).constructor)('return 7')() === 7",
  }),
);

attack(
  noRoute(
    "no function of the language or of the engine leads to a constructor that builds code from text",
    {
      builtin: "[].map.constructor('return 7')() === 7",
      "builtin constructor": "Map.constructor('return 7')() === 7",
      "intl constructor": "Intl.Collator.constructor('return 7')() === 7",
      proxy: "new Proxy(function () {}, {}).constructor('return 7')() === 7",
      "proxy constructor": "Proxy.constructor('return 7')() === 7",
      tool: "lab.echo.constructor('return 7')() === 7",
      "unknown tool": "lab.nothing.constructor('return 7')() === 7",
      console: "console.log.constructor('return 7')() === 7",
      timer: "setTimeout.constructor('return 7')() === 7",
      "tool error": "ToolError.constructor('return 7')() === 7",
      date: "Date.constructor('return 7')() === 7",
      "resolve function":
        "await new Promise((resolve) => { let f; try { f = resolve.constructor('return 7')() } catch {} resolve(f === 7) })",
      "species getter":
        "Object.getOwnPropertyDescriptor(Promise, Symbol.species).get.constructor('return 7')() === 7",
      "throw type error":
        "Object.getOwnPropertyDescriptor(Function_prototype, 'caller').get.constructor('return 7')() === 7",
    },
    "const Function_prototype = Object.getPrototypeOf(() => 1);",
  ),
);

attack(
  noRoute("prototype chains of generators and iterators end before a function constructor", {
    "generator object":
      "Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())).constructor.constructor('yield 7')().next().value === 7",
    "async generator object":
      "(await Object.getPrototypeOf(Object.getPrototypeOf((async function* () {})())).constructor.constructor('yield 7')().next()).value === 7",
    "generator prototype":
      "Object.getPrototypeOf(function* () {}).constructor('yield 7')().next().value === 7",
    __proto__: "(async () => 1).__proto__.constructor('return 7')",
    __lookupGetter__: "({}).__lookupGetter__('__proto__').constructor('return 7')() === 7",
    "map iterator": "Object.getPrototypeOf(new Map().values()).next.constructor('return 7')() === 7",
    "iterator helper": "Iterator.from([]).map.constructor('return 7')() === 7",
  }),
);

attack(
  noRoute("Reflect and subclasses do not get to a function constructor either", {
    "Reflect.construct": "Reflect.construct((() => 1).constructor, ['return 7'])() === 7",
    "Reflect.apply": "Reflect.apply((() => 1).constructor, null, ['return 7'])() === 7",
    "a subclass": "new (class extends (() => 1).constructor {})('return 7')() === 7",
    "a subclass of the async one":
      "await new (class extends (async () => 1).constructor {})('return 7')() === 7",
    "a new target":
      "Reflect.construct(Object, [], (async () => 1).constructor) instanceof Object.getPrototypeOf(async () => 1).constructor.made",
    "the species of a function's class": "(() => 1).constructor[Symbol.species]('return 7')() === 7",
    "the constructor's constructor": "(() => 1).constructor.constructor('return 7')() === 7",
    "the refusal's prototype": "(() => 1).constructor.prototype.constructor('return 7')() === 7",
    "deleting the refusal":
      "delete Object.getPrototypeOf(() => 1).constructor && (() => 1).constructor('return 7')() === 7",
    "redefining the refusal":
      "Object.defineProperty(Object.getPrototypeOf(() => 1), 'constructor', { value: 7 }).constructor === 7",
  }),
);

attack(
  noRoute("eval is gone, direct, indirect and by other names", {
    direct: "eval('3 + 4') === 7",
    indirect: "(0, eval)('3 + 4') === 7",
    "of globalThis": "globalThis.eval('3 + 4') === 7",
    "of this": "(function () { return this })().eval('3 + 4') === 7",
    "of Function": "Function('return 7')() === 7",
    "of a timer": "setTimeout('globalThis.seven = 7', 0) && (await sleep(1), globalThis.seven === 7)",
    "in a with": "(() => { with (globalThis) { return eval('3 + 4') === 7 } })()",
    "of a new realm": "new ShadowRealm().evaluate('3 + 4') === 7",
  }),
);

attack(
  noRoute("import() loads nothing, from nowhere", {
    "a module of node": "await import('node:fs')",
    "a bare name": "await import('fs')",
    "a data URL": "(await import('data:text/javascript,export default 7')).default === 7",
    "a file": "await import('file:///etc/passwd')",
    "the program itself": "await import('program.js')",
    "with attributes": "await import('data:application/json,7', { with: { type: 'json' } })",
    "a specifier with a trap": "await import({ toString() { return 'node:vm' } })",
  }),
);

attack({
  claim: "an error of import() names no place on the machine",
  code: `const words = await import("node:fs").then(() => "loaded", (error) => error.stack);
    return [words.includes("loaded"), /\\/(?!\\/)/.test(words)]`,
  expect: { result: [false, false] },
});
