import { expect, test } from "vitest";
import { LOCAL_PRINCIPAL } from "../../src/access/caller.ts";
import { identifyByKey } from "../../src/access/identify.ts";
import { withKeys } from "./helpers/keys.ts";

test("without keys everybody is the local caller, whatever they show", async () => {
  const identify = identifyByKey(withKeys());
  for (const token of [undefined, "anything"]) {
    const caller = await identify({ token });
    expect(caller).toMatchObject({ principal: LOCAL_PRINCIPAL, keyName: null, maxConcurrent: undefined });
    expect([...caller.rights]).toEqual(["run", "decide"]);
  }
});

test("only `server.admin` makes an administrator of the local caller", async () => {
  const config = withKeys();
  const caller = await identifyByKey({ ...config, server: { ...config.server, admin: true } })({
    token: undefined,
  });
  expect(caller.rights.has("admin")).toBe(true);
});

test("a key is known by its whole text, and brings its principal, rights, rules and bounds", async () => {
  const identify = identifyByKey(
    withKeys(
      { name: "bot", principal: "team", may: ["run"], tools: { allow: ["files/*"] }, ratePerMinute: 7 },
      { name: "boss", may: ["decide"], mode: "code", agent: { maxTurns: 2 }, maxConcurrent: 3 },
    ),
  );
  const bot = await identify({ token: "bot-key" });
  expect(bot).toMatchObject({ principal: "team", keyName: "bot", ratePerMinute: 7, mode: undefined });
  expect(bot.layers.map(({ rule }) => rule)).toEqual(["tools.allow", 'key "bot"']);
  expect(await identify({ token: "boss-key" })).toMatchObject({
    principal: "boss",
    mode: "code",
    agent: { maxTurns: 2 },
    maxConcurrent: 3,
  });
  for (const token of [undefined, "", "bot-ke", "bot-key2", "BOT-KEY"])
    await expect(identify({ token })).rejects.toMatchObject({ code: "unauthorized" });
});

test("a refusal does not repeat what was shown", async () => {
  const identify = identifyByKey(withKeys({}));
  const refusal: unknown = await identify({ token: "nearly-bot-key" }).catch((error: unknown) => error);
  expect(String(refusal)).not.toContain("nearly");
});
