import { expect, test } from "vitest";
import {
  type Caller,
  keyCaller,
  localCaller,
  requireRight,
  seesAll,
  userNamed,
  viewerOf,
} from "../../src/access/caller.ts";
import type { KeyConfig } from "../../src/config/config.ts";
import { withKeys } from "./helpers/keys.ts";

function caller(key: Partial<KeyConfig>): Caller {
  const config = withKeys(key);
  const [known] = config.keys;
  if (known === undefined) throw new Error("no key");
  return keyCaller(config, known);
}

test("a right that a key lacks is refused with the key's name and what to do", () => {
  const bot = caller({ may: ["run"] });
  expect(() => requireRight(bot, "run")).not.toThrow();
  expect(() => requireRight(bot, "decide")).toThrow(
    'The key "bot" has not the right `decide`. Add it to the key\'s `may`, or use another key.',
  );
});

test("without keys the right to administer is switched on in the configuration", () => {
  expect(() => requireRight(localCaller(withKeys()), "admin")).toThrow(
    expect.objectContaining({ code: "admin_disabled" }),
  );
});

test("what is not allowed is shown to administrators and where there are no keys, not to other keys", () => {
  expect(seesAll(localCaller(withKeys()))).toBe(true);
  expect(seesAll(caller({ may: ["admin"] }))).toBe(true);
  expect(seesAll(caller({}))).toBe(false);
});

test("a key decides for those it names, and only about tools that its own rules include", () => {
  const viewer = viewerOf(caller({ decides: ["team-*"], tools: { allow: ["files/*"] } }));
  expect(viewer).toMatchObject({ principal: "bot", admin: false });
  expect(viewer.decides?.("team-a", "files/write")).toBe(true);
  expect(viewer.decides?.("team-a", "db/drop")).toBe(false);
  expect(viewer.decides?.("other", "files/write")).toBe(false);
});

test("the person behind a request is the first that is named, at most 200 characters of the name", () => {
  expect(userNamed(undefined, " ", ["a list"], " ann ", "bob")).toBe("ann");
  expect(userNamed(undefined, 5, "")).toBeUndefined();
  expect(userNamed("x".repeat(500))).toHaveLength(200);
});
