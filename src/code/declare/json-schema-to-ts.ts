/**
 * JSON Schema to TypeScript. Total: any JSON gives a type, and equal JSON gives equal text. A keyword without a
 * counterpart widens the type: it may accept what the schema refuses, because arguments are validated before a call,
 * but must never refuse what the schema accepts. The one exception: by the letter, keywords for objects or arrays
 * without `type` allow any other value too; no author means that. References and recursion become named types.
 */
import { Definitions } from "./schema-definitions.ts";
import { schemaDoc } from "./schema-docs.ts";
import { enumType, literalType } from "./schema-literals.ts";
import { isSchema, list, own, resolveRef, type Schema } from "./schema-refs.ts";
import { alternativesOf, choices, MAX_ALTERNATIVES } from "./schema-width.ts";
import {
  arrayOf,
  intersection,
  MAX_UNION,
  type Member,
  never,
  objectOf,
  plain,
  type TypeText,
  union,
} from "./type-text.ts";

/**
 * `input`: the values a program writes. Undeclared properties are offered only where the schema invites them, so that a
 * misspelt one is found. `output`: the values a program reads. Objects are open and unknown values are `any`, so that a
 * program that knows more than the schema is not refused.
 */
export type SchemaSide = "input" | "output";

export interface SchemaType {
  /** The type, with `\0n\0` in the place of the n-th named type. */
  readonly text: string;
  readonly named: readonly NamedType[];
  /** The properties, when the schema itself is an object that has some. */
  readonly members: readonly Member[];
}

interface NamedType {
  /** A word for its name, not yet an identifier. */
  readonly name: string;
  readonly doc: string;
  readonly text: string;
}

const MAX_DEPTH = 24;
/** Most schemas converted below one schema; the rest is cut. */
const MAX_SCHEMAS = 2000;
const MAX_TUPLE = 50;

export function schemaType(schema: unknown, side: SchemaSide): SchemaType {
  return new SchemaWriter(schema, side).write();
}

/** One operand of an intersection. */
interface Part {
  readonly type: TypeText;
  /** Number of its alternatives. */
  readonly width: number;
}

/** Drops operands until the product of their alternatives fits MAX_ALTERNATIVES. */
function boundedParts(parts: readonly Part[]): readonly TypeText[] {
  let product = 1;
  return parts.flatMap(({ type, width }) => {
    if (product > 1 && width > 1 && product * width > MAX_ALTERNATIVES) return [];
    product *= width;
    return [type];
  });
}

/** The place of a type: its depth, and the named type whose own definition it is part of, if any. */
interface Place {
  readonly depth: number;
  /** The named type being defined, or null for the schema itself. */
  readonly definition: number | null;
  /** False below a property or an item: there a type may refer to itself. */
  readonly immediate: boolean;
}

class SchemaWriter {
  readonly #root: unknown;
  readonly #side: SchemaSide;
  readonly #open: TypeText;
  readonly #cut: TypeText;
  readonly #definitions = new Definitions();
  #left = MAX_SCHEMAS;

  constructor(root: unknown, side: SchemaSide) {
    this.#root = root;
    this.#side = side;
    const open = side === "input" ? "unknown" : "any";
    this.#open = { text: open, kind: "open" };
    this.#cut = { text: `${open} /* cut: the schema is too large */`, kind: "open" };
  }

  write(): SchemaType {
    const outermost: Place = { depth: 0, definition: null, immediate: true };
    const type = this.#finish(this.#type(this.#root, outermost));
    const members = isSchema(this.#root) ? this.#members(this.#root, inside(outermost)) : [];
    const named: NamedType[] = [];
    for (const { name, schema } of this.#definitions.all) {
      const within: Place = { depth: 0, definition: named.length, immediate: true };
      named.push({ name, doc: schemaDoc(schema), text: this.#finish(this.#type(schema, within)) });
    }
    const { root } = this.#definitions;
    return { text: root === undefined ? type : placeholder(root), named, members };
  }

  #finish(type: TypeText): string {
    return type.kind === "loop" ? this.#open.text : type.text;
  }

  #type(schema: unknown, place: Place): TypeText {
    if (schema === false) return never;
    if (!isSchema(schema)) return this.#open;
    this.#left -= 1;
    if (place.depth > MAX_DEPTH || this.#left < 0) return this.#cut;
    const below: Place = { ...place, depth: place.depth + 1 };
    const width = (part: unknown): number => alternativesOf(part, this.#root);
    const composed = boundedParts([
      ...this.#references(schema, place),
      ...list(own(schema, "allOf")).map((part) => ({ type: this.#type(part, below), width: width(part) })),
      ...["anyOf", "oneOf"].flatMap((keyword) => {
        const branches = list(own(schema, keyword));
        const types = branches.slice(0, MAX_UNION + 1).map((branch) => this.#type(branch, below));
        return types.length === 0
          ? []
          : [{ type: union(types, this.#open), width: choices(schema, keyword, width) }];
      }),
    ]);
    // `type: "object"` beside `oneOf` only clutters branches that are objects.
    const isBare =
      composed.some(({ kind }) => kind !== "open") &&
      !SHAPING.some((word) => own(schema, word) !== undefined);
    const parts = isBare ? composed : [this.#ownType(schema, place), ...composed];
    const type = refusesAll(own(schema, "not")) ? never : intersection(parts, this.#open);
    return own(schema, "nullable") === true ? union([type, plain("null")], this.#open) : type;
  }

  #references(schema: Schema, place: Place): readonly Part[] {
    const refs = ["$ref", "$dynamicRef", "$recursiveRef"].map((keyword) => own(schema, keyword));
    return refs
      .filter((ref) => ref !== undefined)
      .map((ref) => ({
        type: this.#reference(ref, place),
        width: alternativesOf({ $ref: ref }, this.#root),
      }));
  }

  #reference(ref: unknown, { definition, immediate }: Place): TypeText {
    const target = resolveRef(this.#root, ref);
    if (target === undefined || !isSchema(target.schema))
      return target?.schema === false ? never : this.#open;
    const index = this.#definitions.indexOf(target);
    if (index === undefined) return this.#cut;
    if (immediate && definition !== null && !this.#definitions.join(definition, index))
      return { text: this.#open.text, kind: "loop" };
    return plain(placeholder(index));
  }

  /** The type from `type`, `enum`, `const` and the keywords for objects and arrays, without composition. */
  #ownType(schema: Schema, place: Place): TypeText {
    const types = single(own(schema, "type")).filter((type) => typeof type === "string");
    if (Object.hasOwn(schema, "const")) return literalType(schema["const"], this.#open);
    const values = own(schema, "enum");
    if (Array.isArray(values)) return enumType(values, types, this.#open);
    if (types.length === 0) return this.#untyped(schema, place);
    return union(
      types.map((type) => this.#ofType(type, schema, place)),
      this.#open,
    );
  }

  /** Without `type` any value is allowed, unless properties or items show what was meant. */
  #untyped(schema: Schema, place: Place): TypeText {
    if (isSchema(own(schema, "properties"))) return this.#object(schema, place);
    if (isSchema(own(schema, "patternProperties")) || isSchema(own(schema, "additionalProperties")))
      return this.#object(schema, place);
    if (own(schema, "prefixItems") !== undefined || own(schema, "items") !== undefined)
      return this.#array(schema, place);
    return this.#open;
  }

  #ofType(type: string, schema: Schema, place: Place): TypeText {
    switch (type) {
      case "string":
      case "boolean":
      case "null":
      case "number":
        return plain(type);
      case "integer":
        return plain("number");
      case "object":
        return this.#object(schema, place);
      case "array":
        return this.#array(schema, place);
      default:
        return this.#open;
    }
  }

  #object(schema: Schema, place: Place): TypeText {
    const below = inside(place);
    const members = this.#members(schema, below);
    const index = this.#indexType(schema, members.length === 0, below);
    if (members.length > 0 || index === null) return objectOf(members, index);
    // A record of itself cannot be written as Record: TypeScript resolves its arguments at once.
    return index.text.includes("\0") ? objectOf([], index) : plain(`Record<string, ${index.text}>`);
  }

  #members(schema: Schema, below: Place): readonly Member[] {
    const properties = own(schema, "properties");
    const required = new Set(list(own(schema, "required")).filter((name) => typeof name === "string"));
    const declared = isSchema(properties) ? Object.entries(properties) : [];
    const members = declared.map(([name, property]): Member => {
      const filled = this.#side === "input" && isSchema(property) && Object.hasOwn(property, "default");
      const optional = !required.has(name) || filled;
      return { name, type: this.#type(property, below), optional, doc: schemaDoc(property) };
    });
    const known = new Set(declared.map(([name]) => name));
    const undeclared = [...required].filter((name) => !known.has(name)).slice(0, MAX_UNION);
    return [...members, ...undeclared.map((name) => ({ name, type: this.#open, optional: false, doc: "" }))];
  }

  /** The type of properties without a name in the schema; null when they are not to be used. */
  #indexType(schema: Schema, isRecord: boolean, below: Place): TypeText | null {
    const patterns = own(schema, "patternProperties");
    const additional = own(schema, "additionalProperties") ?? own(schema, "unevaluatedProperties");
    const byPattern = isSchema(patterns) ? Object.entries(patterns) : [];
    if (byPattern.length === 0 && additional === false) return null;
    // TypeScript wants every named property to fit the index signature, so beside names that signature is open.
    if (!isRecord) {
      const invited = byPattern.length > 0 || additional === true || isSchema(additional);
      return this.#side === "output" || invited ? this.#open : null;
    }
    const isBare = own(schema, "properties") === undefined || this.#side === "output";
    if (byPattern.length === 0 && additional === undefined)
      return isBare || below.depth > 1 ? this.#open : null;
    const matching = byPattern.map(([, property]) => this.#type(property, below));
    const coversAll = byPattern.some(([pattern]) => /^\^?(?:\.\*)?\$?$/.test(pattern));
    const rest = additional === false || coversAll ? [] : [this.#type(additional ?? true, below)];
    return union([...matching, ...rest], this.#open);
  }

  #array(schema: Schema, place: Place): TypeText {
    const below = inside(place);
    const items = own(schema, "items");
    const prefix = own(schema, "prefixItems") ?? (Array.isArray(items) ? items : undefined);
    if (Array.isArray(prefix) && prefix.length > 0 && prefix.length <= MAX_TUPLE)
      return this.#tuple(schema, prefix, below);
    if (items === false) return plain("[]");
    return arrayOf(Array.isArray(prefix) || items === undefined ? this.#open : this.#type(items, below));
  }

  #tuple(schema: Schema, prefix: readonly unknown[], below: Place): TypeText {
    const fromPrefixItems = own(schema, "prefixItems") !== undefined;
    const further = own(schema, fromPrefixItems ? "items" : "additionalItems");
    const atLeast = own(schema, "minItems");
    const atMost = own(schema, "maxItems");
    // Without `minItems` a shorter array is valid to send; a read array is taken to be complete.
    const fewest = typeof atLeast === "number" ? atLeast : this.#side === "input" ? 0 : prefix.length;
    const elements = prefix.map((item, at) => {
      const type = this.#type(item, below);
      if (at < fewest) return type.text;
      return type.kind === "union" || type.kind === "intersection" ? `(${type.text})?` : `${type.text}?`;
    });
    const closed = further === false || (typeof atMost === "number" && atMost <= prefix.length);
    if (!closed) elements.push(`...${arrayOf(this.#type(further ?? true, below)).text}`);
    return plain(`[${elements.join(", ")}]`);
  }
}

/** Keywords by which a schema adds something of its own to its composition. */
const SHAPING = [
  ...["const", "enum", "properties", "required", "patternProperties", "additionalProperties"],
  ...["items", "prefixItems"],
];

function inside(place: Place): Place {
  return { ...place, depth: place.depth + 1, immediate: false };
}

function placeholder(index: number): string {
  return `\0${index}\0`;
}

function single(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function refusesAll(not: unknown): boolean {
  return not === true || (isSchema(not) && Object.keys(not).length === 0);
}
