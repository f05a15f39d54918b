/** What other platforms have and programs find here, as far as the type checker knows it. */
import { describe, expect, it } from "vitest";
import { readToolSignatures } from "../../src/code/check/tool-signatures.ts";
import { renderDeclarations } from "../../src/code/declare/declarations.ts";
import { platformNames } from "../../src/code/declare/environment.ts";
import { showDeclarations } from "../../src/code/declare/shown-declarations.ts";
import { diagnosticsOf, useChecked } from "./helpers/checked.ts";

const check = useChecked();

describe("the type checker", () => {
  it("knows what every platform has, with its types", async () => {
    const outcome = await check(`const id: number = setInterval((n: number) => console.log(n), 5, 1);
clearInterval(id); clearImmediate(setImmediate(() => 1)); queueMicrotask(() => console.trace());
const copy: { a: number } = structuredClone({ a: 1 });
const bytes: Uint8Array = crypto.getRandomValues(new Uint8Array(4));
const text: string = atob(btoa("x")) + new TextDecoder("utf-8", { fatal: true }).decode(new TextEncoder().encode("é"));
console.table([copy], ["a"]); console.group("g"); console.groupEnd(); console.time(); console.timeEnd("x");
console.assert(bytes.length > 0, "no bytes"); console.count(); console.countReset(); console.dir(copy, { depth: 1 });
const ms: number = performance.now() - performance.timeOrigin;
return [text, ms]`);
    expect(diagnosticsOf(outcome).filter(({ severity }) => severity !== "note")).toEqual([]);
  });

  it.each([["console.tabel([])", /tabel/]])("and says what does not fit: %s", async (code, words) => {
    const outcome = await check(code);
    expect(outcome).toMatchObject({ ok: false, code: "type_error", message: expect.stringMatching(words) });
  });

  it("takes none of it for a tool, and a model reads nothing of it", () => {
    const { functions, servers } = readToolSignatures(renderDeclarations([], [], "check"));
    expect([...functions, ...servers.keys()]).toEqual([]);
    const { text } = showDeclarations([], 1_000);
    expect(platformNames.filter((name) => text.includes(name))).toEqual([]);
    expect(text).toContain("console");
  });

  it("gives a name to the server that has it", () => {
    const text = renderDeclarations(
      [],
      [{ name: "performance", global: "performance", type: "any" }],
      "check",
    );
    expect(text.match(/declare const performance\b/g)).toHaveLength(1);
  });
});
