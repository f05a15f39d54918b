/** The test that a type checker must pass before it is used: one correct program and one faulty one. */
import type { ToolTypes, TypeChecker } from "./checked.ts";

const PROOF: ToolTypes = {
  hash: "proof",
  text: "declare const probe: { ask(args: { word: string }): Promise<{ answer: number; list: string[] }> };",
};
const GOOD =
  'const { answer, list } = await probe.ask({ word: "a" });\nreturn list.map((each) => each + answer);';
const BAD = "const found = await probe.ask({});\nreturn found.nothing;";

/**
 * Rejects unless the checker accepts the correct program and finds both faults of the faulty one at their places. A
 * missing library, for example, would raise no error: it would make every type empty, and every program right or wrong.
 */
export async function proveItself(checker: TypeChecker): Promise<void> {
  await using good = await checker.check(PROOF, GOOD);
  await using bad = await checker.check(PROOF, BAD);
  const found = [...good.faults, ...bad.faults].map(({ code, start }) => `${code} at ${start}`).join(", ");
  const type = await bad.typeAt(BAD.indexOf("found.nothing"), 0);
  const seen = type?.properties.map(({ name, isArray }) => (isArray ? `${name}[]` : name)).join(", ");
  const expected = `2741 at ${BAD.indexOf("{}")}, 2339 at ${BAD.indexOf("nothing")}`;
  if (found !== expected || type?.ofTools !== true || seen !== "answer, list[]")
    throw new Error(`the type checker misjudges known programs: found ${found}, saw ${seen}`);
}
