/** What is not there is said once: before the run and after it in the same words. */
import { describe, expect, it } from "vitest";
import { absentNames, wayOut } from "../../../src/code/syntax/absent-names.ts";
import { environmentNames } from "../../../src/code/syntax/environment-names.ts";
import { hintFor } from "../../../src/runs/hints/hints.ts";
import { createRunState } from "../../../src/runs/record/run-state.ts";
import { diagnosticsOf, useChecked } from "../helpers/checked.ts";

const check = useChecked();

describe("a name that is not there", () => {
  it.each(absentNames)(
    "%s is refused before the run and explained after it, in the same words",
    async (name) => {
      const instead = wayOut(name) ?? "";
      const refused = await check(`return ${name}.anything`);
      expect(refused).toMatchObject({
        ok: false,
        code: "type_error",
        message: expect.stringMatching(/^\S+ does not exist here\. .*[.\])]$/),
      });
      expect(refused).toMatchObject({ message: expect.stringContaining(instead) });
      const unchecked = await check(`return ${name}.anything`, "off");
      expect(diagnosticsOf(unchecked)).toMatchObject([
        { severity: "warning", message: `${name} does not exist here. ${instead}` },
      ]);
      const failure = { code: "guest_error", message: `ReferenceError: ${name} is not defined` } as const;
      const namespaces = { servers: [], locals: [] };
      const program = { code: "", place: undefined, namespaces, run: createRunState() };
      expect(hintFor(failure, program)).toBe(instead);
    },
  );

  it("is none of those that are", () => {
    expect(absentNames.filter((name) => environmentNames.includes(name))).toEqual([]);
  });
});
