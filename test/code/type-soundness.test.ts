/**
 * The one promise of the types: they never refuse what the schema accepts. (Keywords for objects without `type` are
 * left out here: they accept anything that is no object, and are taken for one.)
 */
import { Validator } from "@cfworker/json-schema";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import type { JsonSchema } from "../../src/tools/tool-source.ts";
import { source, toolsOf } from "./helpers/tools.ts";
import { moduleOf, typecheck } from "./helpers/typecheck.ts";

type Keywords = { readonly [keyword: string]: unknown };

describe("the type of a schema", () => {
  it("accepts every value the schema's validator accepts", { timeout: 60_000 }, async () => {
    const schemas = fc.sample(arbitrarySchema(), { numRuns: 250, seed: 11 });
    const values = fc.sample(arbitraryValue(), { numRuns: 200, seed: 12 });
    const files = new Map<string, string>();
    let accepted = 0;
    schemas.forEach((schema, at) => {
      const root = { type: "object", properties: { v: schema }, required: ["v"], $defs };
      const valid = values.filter((value) => accepts(root, { v: value }));
      accepted += valid.length;
      // JSON is a literal type as it stands; a declared constant is not checked for properties too many.
      const program = valid.map(
        (value, n) => `const v${n} = null as never as ${JSON.stringify(value)}; await s.t({ v: v${n} });`,
      );
      const declarations = renderDeclarations(toolsOf({ s: [source("t", root as JsonSchema)] }));
      files.set(`schema-${at}.ts`, moduleOf(declarations, program.join("\n")));
    });
    expect(accepted).toBeGreaterThan(3_000);
    const faults = await typecheck(files);
    expect(faults).toEqual([]);
  });
});

function accepts(root: Keywords, value: unknown): boolean {
  return new Validator(root, "2020-12").validate(value).valid;
}

const $defs = {
  Leaf: { type: ["string", "null"] },
  List: { type: "array", items: { $ref: "#/$defs/Tree" } },
  Tree: {
    type: "object",
    properties: { a: { $ref: "#/$defs/List" }, b: { $ref: "#/$defs/Leaf" } },
    additionalProperties: true,
  },
};

function arbitrarySchema(): fc.Arbitrary<unknown> {
  const name = fc.constantFrom("a", "b", "c");
  const few = { maxLength: 2 };
  return fc.letrec((tie) => {
    const named = fc
      .array(fc.tuple(name, tie("schema")), { maxLength: 3 })
      .map((list) => Object.fromEntries(list));
    const several = fc.array(tie("schema"), { minLength: 1, maxLength: 3 });
    const additional = fc.oneof(fc.boolean(), tie("schema"));
    const objects = fc.record(
      {
        ...{ type: fc.constant("object"), properties: named, required: fc.uniqueArray(name, few) },
        ...{
          additionalProperties: additional,
          patternProperties: fc.dictionary(fc.constantFrom("^a", ".*"), tie("schema"), { maxKeys: 1 }),
        },
      },
      // Without the last an object type could be all optional, and TypeScript refuses what shares no name with it.
      { requiredKeys: ["type", "additionalProperties"] },
    );
    const arrays = fc.record(
      {
        type: fc.constant("array"),
        prefixItems: several,
        items: tie("schema"),
        minItems: fc.nat(2),
        maxItems: fc.nat(3),
      },
      { requiredKeys: ["type"] },
    );
    return {
      schema: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<unknown>(
          true,
          {},
          { type: "string" },
          { type: "integer" },
          { type: ["boolean", "null"] },
        ),
        fc.constantFrom<unknown>(
          { enum: ["x", 1, null, ["x"]] },
          { const: { a: 1 } },
          { type: "string", enum: ["x", 1] },
        ),
        fc.constantFrom("Leaf", "List", "Tree").map((target) => ({ $ref: `#/$defs/${target}` })),
        objects,
        arrays,
        fc.record({ anyOf: several }),
        fc.record({ oneOf: several, type: fc.constantFrom("object", "string", "array") }),
        fc.record({ allOf: several }),
        fc.tuple(objects, several).map(([object, allOf]) => ({ ...object, allOf })),
        fc.record({ not: tie("schema"), type: fc.constantFrom("object", "number", "array") }),
      ),
    };
  }).schema;
}

function arbitraryValue(): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom("x", "y", 1, 2, true, null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { maxKeys: 3 }),
    ),
  })).value;
}
