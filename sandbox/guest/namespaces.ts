/**
 * Tools as a program finds them: one global per server, tools of `local` as globals themselves, and everything by its
 * original name below `tools`; and what the host offers besides, where it says so. Names that are not offered are callables too: the host refuses them, with better words.
 */
type Callable = (...args: unknown[]) => Promise<unknown>;
/** A string is the name for all arguments, as one array. */
type Positional = readonly string[] | string;
type ToolEntry = { name: string; method: string; positional?: readonly string[] };
interface NamespaceConfig {
  servers: readonly { name: string; global: string; tools: readonly ToolEntry[] }[];
  locals: readonly { name: string; global: string; positional?: readonly string[]; hidden?: boolean }[];
  functions?: readonly { on: string; name: string; server: string; tool: string; positional: Positional }[];
}
interface Namespaces {
  /** Defines a property that nobody can change any more. */
  show(on: object, name: string, value: unknown, enumerable: boolean): void;
  /** Shows the tools on `scope`, which is the program's globalThis in every run but the rehearsal. */
  install(
    scope: object,
    namespaces: NamespaceConfig,
    callable: (server: string, tool: string, positional?: Positional) => Callable,
  ): void;
}

(): Namespaces => {
  const { defineProperty } = Reflect;
  const { create, freeze, getOwnPropertyDescriptor, prototype: objectPrototype } = Object;
  const GuestProxy = Proxy;

  /** Names every object answers to are no tools unless a server has one of that name; `then` and symbols never are. */
  const lookup = (target: object, key: PropertyKey, miss: (name: string) => unknown): unknown => {
    if (typeof key !== "string" || key === "then") return undefined;
    const own = getOwnPropertyDescriptor(target, key);
    if (own !== undefined) return own.value;
    if (key === "toJSON" || getOwnPropertyDescriptor(objectPrototype, key) !== undefined) return undefined;
    return miss(key);
  };
  /** An object whose own properties are `target`'s, and where any other tool name is `miss(name)`. */
  const proxy = (target: object, miss: (name: string) => unknown): object =>
    new GuestProxy(freeze(target), {
      __proto__: null,
      get: (on: object, key: PropertyKey) => lookup(on, key, miss),
    } as never);
  const show = (on: object, name: string, value: unknown, enumerable: boolean): void => {
    defineProperty(on, name, {
      __proto__: null,
      value,
      writable: false,
      enumerable,
      configurable: false,
    } as never);
  };

  /** Before any server: what is shown once stays, so what hangs on `tools` wins over a server of its name. */
  const hang = (
    scope: object,
    tree: object,
    functions: NonNullable<NamespaceConfig["functions"]>,
    callable: Parameters<Namespaces["install"]>[2],
  ): void => {
    const holders = create(null);
    for (let i = 0; i < functions.length; i++) {
      const { on, name, server, tool, positional } = functions[i] as (typeof functions)[number];
      if (on !== "tools" && holders[on] === undefined) holders[on] = create(null);
      show(on === "tools" ? tree : holders[on], name, callable(server, tool, positional), false);
    }
    for (const on in holders) show(scope, on, freeze(holders[on]), false);
  };

  const install: Namespaces["install"] = (scope, namespaces, callable) => {
    const tree = create(null);
    const { servers, locals, functions } = namespaces;
    if (functions !== undefined) hang(scope, tree, functions, callable);
    for (let s = 0; s < servers.length; s++) {
      const { name: server, global, tools } = servers[s] as (typeof servers)[number];
      const byMethod = create(null);
      const byName = create(null);
      for (let t = 0; t < tools.length; t++) {
        const { name, method, positional } = tools[t] as ToolEntry;
        const fn = callable(server, name, positional);
        // The proxies freeze them; a catalog may have hundreds of tools, and this is on every run's way.
        if (method !== "then") byMethod[method] = fn;
        if (name !== "then") byName[name] = fn;
      }
      const miss = (name: string): Callable => callable(server, name);
      show(scope, global, proxy(byMethod, miss), tools.length > 0);
      show(tree, server, proxy(byName, miss), tools.length > 0);
    }
    const byName = create(null);
    let offersLocals = false;
    for (let i = 0; i < locals.length; i++) {
      const { name, global, positional, hidden } = locals[i] as (typeof locals)[number];
      const fn = callable("local", name, positional);
      offersLocals ||= hidden !== true;
      show(scope, global, fn, hidden !== true);
      if (name !== "then") show(byName, name, fn, hidden !== true);
    }
    show(
      tree,
      "local",
      proxy(byName, (name) => callable("local", name)),
      offersLocals,
    );
    const noServer = (server: string): object => proxy(create(null), (name) => callable(server, name));
    show(scope, "tools", proxy(tree, noServer), true);
  };

  return { show, install };
};

export {};
