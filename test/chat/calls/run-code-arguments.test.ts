/** Arguments that models send to `run_code`: the program is found in them, or the model is told what to send. */
import { describe, expect, it } from "vitest";
import { readRunCodeArguments } from "../../../src/offer/run-code-arguments.ts";

const code = 'const x = "a\\n";\nreturn x';

describe("the program in the arguments of run_code is found", () => {
  it("in the requested form, without a note", () => {
    expect(readRunCodeArguments(JSON.stringify({ code }))).toEqual({ ok: true, code });
    expect(readRunCodeArguments(JSON.stringify({ code, language: "ts" }))).toEqual({ ok: true, code });
  });

  it.each<[form: string, text: string]>([
    ["as JSON in JSON", JSON.stringify(JSON.stringify({ code }))],
    ["as one JSON string", JSON.stringify(code)],
    ["under another name", JSON.stringify({ typescript: code })],
    ["as a script beside its language", JSON.stringify({ language: "typescript", script: code })],
    ["as a program", JSON.stringify({ program: code, timeout: 5 })],
    ["as lines", JSON.stringify({ code: code.split("\n") })],
    ["in an object in code", JSON.stringify({ code: { code } })],
    ["in a call in the arguments", JSON.stringify({ name: "run_code", arguments: { code } })],
    ["in arguments in the arguments", JSON.stringify({ arguments: { code } })],
    ["with raw line breaks", JSON.stringify({ code }).replace(";\\n", ";\n")],
    ["with a comma at the end", JSON.stringify({ code }).replace(/\}$/, ",}")],
    ["as bare text", code],
    ["in quotes nobody escaped", `{"code": "${code}"}`],
    ["between backticks", `{"code": \`${code}\`}`],
  ])("%s, with a word about it", (_form, text) => {
    expect(readRunCodeArguments(text)).toEqual({
      ok: true,
      code,
      repair: expect.stringMatching(/\. Call it with \{"code": "…"\}/),
    });
  });

  it("with all its wrapping, which the compiler removes itself", () => {
    const text = "```ts\nreturn 1\n```";
    expect(readRunCodeArguments(text)).toMatchObject({ ok: true, code: text });
    expect(readRunCodeArguments(JSON.stringify({ code: text }))).toEqual({ ok: true, code: text });
  });
});

describe("arguments without a program are answered with what to send", () => {
  it.each<[what: string, text: string, problem: RegExp]>([
    ["nothing", "", /got no program/],
    ["an empty object", "{}", /got no program\. Call it with/],
    ["another field", '{"query": "x"}', /got no program, .*"query"/],
    ["an empty program", '{"code": " \\n"}', /got an empty program/],
    ["an empty program under another name", '{"script": ""}', /got an empty program/],
    ["a number", "5", /got no program/],
    ["a program that is a number", '{"code": 5}', /got no program/],
    [
      "two programs",
      '{"typescript": "return 1", "javascript": "return 2"}',
      /more than one, in "typescript", "javascript"/,
    ],
    ["half a program", '{"code": "const a = 1;\\nreturn ', /end in the middle of the program.*token/],
    ["half a program that ends in a quote", '{"code": "return \\"', /end in the middle of the program/],
    ["JSON that is none", '{"limit": }', /not valid JSON/],
  ])("%s", (_what, text, problem) => {
    const read = readRunCodeArguments(text);
    expect(read.ok ? read : read.problem).toMatch(problem);
    expect(read.ok ? "" : read.problem).toContain('Call it with {"code": "…"}');
  });
});
