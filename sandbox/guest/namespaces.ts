/**
 * Tools as a program finds them: one global per server, tools of `local` as globals themselves, everything by its
 * original name below `tools`, and the host's own functions where it puts them. Names that are not offered can be
 * called too: the host refuses them with a better message.
 *
 * Printing a namespace calls no tool, whatever its tools are named: it lists their names.
 */
type Callable = (...args: unknown[]) => Promise<unknown>;
/** A string: one name for all arguments, passed as one array. */
type Positional = readonly string[] | string;
type ToolEntry = { name: string; method: string; positional?: readonly string[] };
interface NamespaceConfig {
  servers: readonly { name: string; global: string; tools: readonly ToolEntry[] }[];
  locals: readonly { name: string; global: string; positional?: readonly string[]; hidden?: boolean }[];
  functions?: readonly { on: string; name: string; server: string; tool: string; positional: Positional }[];
}
interface Namespaces {
  /** Defines a property that cannot be changed any more. */
  show(on: object, name: string, value: unknown, enumerable: boolean): void;
  /** Defines the tools on `scope`, which is the program's globalThis in every run except the rehearsal. */
  install(
    scope: object,
    namespaces: NamespaceConfig,
    callable: (server: string, tool: string, positional?: Positional) => Callable,
  ): void;
  /** The text of a namespace; undefined for any other value. */
  written(value: unknown): Written | undefined;
}
interface Written {
  /** `[tools of shop: list, buy]`. */
  readonly words: string;
  /** JSON text of the names. */
  readonly json: string;
}

(): Namespaces => {
  const { apply, defineProperty } = Reflect;
  const {
    create,
    freeze,
    getOwnPropertyDescriptor,
    getOwnPropertyNames,
    keys,
    prototype: objectPrototype,
  } = Object;
  const { parse, stringify } = JSON;
  const { toPrimitive } = Symbol;
  const { get: getWriter, set: setWriter } = WeakMap.prototype;
  const GuestProxy = Proxy;
  const writers = new WeakMap<object, () => Written>();

  const written = (value: unknown): Written | undefined => {
    const writer: (() => Written) | undefined = apply(getWriter, writers, [value]);
    return writer?.();
  };
  const listed = (names: readonly string[]): { words: string; json: string } => {
    let words = "";
    let json = "";
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      words += i === 0 ? name : `, ${name}`;
      json += `${i === 0 ? "" : ","}${stringify(name)}`;
    }
    return { words: words === "" ? "none" : words, json: `[${json}]` };
  };
  const writeNames = (of: string, names: readonly string[]): Written => {
    const { words, json } = listed(names);
    return { words: `[${of}: ${words}]`, json };
  };
  /** The text of `tools`: the shown tools of each server. */
  const writeTree = (tree: Record<string, object>): Written => {
    const servers = keys(tree);
    let words = "";
    let json = "";
    for (let i = 0; i < servers.length; i++) {
      const server = servers[i] as string;
      const tools = listed(keys(tree[server] as object));
      words += `${i === 0 ? "" : "; "}${server} (${tools.words})`;
      json += `${i === 0 ? "" : ","}${stringify(server)}:${tools.json}`;
    }
    return { words: `[tools: ${words === "" ? "none" : words}]`, json: `{${json}}` };
  };

  /** The method that the language looks for when it makes text of an object; undefined for other keys. */
  const textMethod = (self: object, key: PropertyKey): unknown => {
    switch (key) {
      case toPrimitive:
      case "toString":
      case "toLocaleString":
        return () => written(self)?.words;
      case "toJSON":
        return () => parse(written(self)?.json ?? "null");
      default:
        return undefined;
    }
  };
  /**
   * JSON.stringify calls `toJSON` with the key, on the namespace. Arguments of a tool are never a text, unless they are
   * positional.
   */
  const callableToJSON = (tool: Callable): Callable =>
    freeze(function toJSON(this: unknown, ...args: unknown[]): Promise<unknown> {
      const asked = args.length === 1 && typeof args[0] === "string" ? written(this) : undefined;
      return asked === undefined ? apply(tool, undefined, args) : parse(asked.json);
    });

  /** Names of Object.prototype are not tools, unless a server has a tool of that name; `then` and symbols never are. */
  const lookup = (
    self: object,
    target: object,
    key: PropertyKey,
    miss: (name: string) => unknown,
  ): unknown => {
    if (key === "then") return undefined;
    const own = typeof key === "string" ? getOwnPropertyDescriptor(target, key) : undefined;
    if (own !== undefined) return own.value;
    const method = textMethod(self, key);
    if (method !== undefined) return method;
    if (typeof key !== "string" || getOwnPropertyDescriptor(objectPrototype, key) !== undefined)
      return undefined;
    return miss(key);
  };
  /** An object with the own properties of `target`, where any other tool name gives `miss(name)`. */
  const proxy = (target: object, miss: (name: string) => unknown, write: () => Written): object => {
    const self: object = new GuestProxy(freeze(target), {
      __proto__: null,
      get: (on: object, key: PropertyKey) => lookup(self, on, key, miss),
    } as never);
    apply(setWriter, writers, [self, write]);
    return self;
  };
  /** The tools of one server, or of `local`. */
  const toolsOf = (server: string, byName: object, miss: (name: string) => unknown): object =>
    proxy(byName, miss, () => writeNames(`tools of ${server}`, keys(byName)));
  const show = (on: object, name: string, value: unknown, enumerable: boolean): void => {
    defineProperty(on, name, {
      __proto__: null,
      value,
      writable: false,
      enumerable,
      configurable: false,
    } as never);
  };

  /**
   * Runs before any server is shown: a property is never replaced, so a host function on `tools` wins over a server of
   * its name.
   */
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
    for (const on in holders) {
      const holder: object = freeze(holders[on]);
      apply(setWriter, writers, [holder, () => writeNames(on, getOwnPropertyNames(holder))]);
      show(scope, on, holder, false);
    }
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
        // Not frozen here, the proxies do that: a catalog may have hundreds of tools, and every run passes here.
        if (method !== "then") byMethod[method] = method === "toJSON" ? callableToJSON(fn) : fn;
        if (name !== "then") byName[name] = name === "toJSON" ? callableToJSON(fn) : fn;
      }
      const miss = (name: string): Callable => callable(server, name);
      show(scope, global, toolsOf(server, byMethod, miss), tools.length > 0);
      show(tree, server, toolsOf(server, byName, miss), tools.length > 0);
    }
    const byName = create(null);
    let offersLocals = false;
    for (let i = 0; i < locals.length; i++) {
      const { name, global, positional, hidden } = locals[i] as (typeof locals)[number];
      const fn = callable("local", name, positional);
      offersLocals ||= hidden !== true;
      show(scope, global, fn, hidden !== true);
      if (name !== "then") show(byName, name, name === "toJSON" ? callableToJSON(fn) : fn, hidden !== true);
    }
    show(
      tree,
      "local",
      toolsOf("local", byName, (name) => callable("local", name)),
      offersLocals,
    );
    const noServer = (server: string): object =>
      toolsOf(server, create(null), (name) => callable(server, name));
    show(
      scope,
      "tools",
      proxy(tree, noServer, () => writeTree(tree)),
      true,
    );
  };

  return { show, install, written };
};

export {};
