/** Media in results: marks for those who read text, the data for those who fetch the result. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { describeFailure, describeValue, toolContent } from "../../../src/offer/tool-message.ts";
import { createStreamMapper } from "../../../src/runs/record/events.ts";
import { markText, withMarks } from "../../../src/runs/record/media-marks.ts";
import { describeReport } from "../../../src/runs/record/model-report.ts";
import { defineTool } from "../../../src/tools/define-tool.ts";
import { openCore, programRequest } from "../../helpers/core.ts";

/** 33 792 bytes as base64 that looks like an image's: always the same. */
const png = Buffer.concat(
  Array.from({ length: 1_056 }, (_, n) => createHash("sha256").update(String(n)).digest()),
).toString("base64");
const image = { type: "image", data: png, mimeType: "image/png" };

describe("what a model reads", () => {
  it.each<[what: string, value: unknown, read: unknown]>([
    ["an image", { content: [image] }, { content: ["[image/png, 34 kB]"] }],
    [
      "a small sound beside a text",
      {
        content: [
          { type: "text", text: "hear" },
          { type: "audio", data: "AAAA", mimeType: "audio/wav" },
        ],
      },
      { content: [{ type: "text", text: "hear" }, "[audio/wav, 3 B]"] },
    ],
    [
      "a file in a resource",
      {
        content: [
          { type: "resource", resource: { uri: "file:///a.pdf", mimeType: "application/pdf", blob: png } },
        ],
      },
      {
        content: [
          {
            type: "resource",
            resource: { uri: "file:///a.pdf", mimeType: "application/pdf", blob: "[application/pdf, 34 kB]" },
          },
        ],
      },
    ],
    ["an image without a type", { type: "image", data: png.repeat(40) }, "[image, 1.4 MB]"],
    ["a data URL", { src: `data:image/png;base64,${png}` }, { src: "[image/png, 34 kB]" }],
    ["base64 by itself", [png], ["[base64, 34 kB]"]],
  ])("has a mark for %s", (_what, value, read) => {
    expect(withMarks(value)).toEqual(read);
    expect(withMarks({ rows: [value] })).toEqual({ rows: [read] });
  });

  it.each<[what: string, text: string]>([
    ["one letter again and again", "x".repeat(10_000)],
    ["hexadecimals", Buffer.from(png, "base64").toString("hex")],
    ["words", "Some Words, 1 or 2, and so on. ".repeat(1_000)],
    ["a key", png.slice(0, 800)],
  ])("has %s as it is", (_what, text) => {
    expect(markText(text)).toBe(text);
    const value = { text, rows: [{ type: "image", url: "http://localhost" }] };
    expect(withMarks(value)).toBe(value);
  });

  it("is never base64, in any message of ours", () => {
    const value = { content: [image] };
    expect(describeValue(value)).toBe('{"content":["[image/png, 34 kB]"]}');
    expect(describeValue(png)).toBe("[base64, 34 kB]");
    expect(toolContent({ type: "value", call: "c", value })).toBe('{"content":["[image/png, 34 kB]"]}');
    expect(describeFailure({ kind: "tool", message: "no", data: value })).not.toContain(png.slice(0, 100));
  });
});

describe("a program that returns and prints media", () => {
  it("has the data in its result, and marks in what it printed and in what a model reads of it", async () => {
    const data = png.slice(0, 16_000);
    const shot = defineTool({
      name: "shot",
      description: "Takes a picture.",
      input: { type: "object" },
      readOnly: true,
      execute: () => ({ content: [{ ...image, data }] }),
    });
    await using core = await openCore([shot], ":memory:");
    const code = "const r = await shot({}); console.log(r); console.log(r.content[0].data); return r";
    const run = await core.runner.start(programRequest(code, { typecheck: "off" }));
    const report = await run.done;
    expect(report.result).toEqual({ content: [{ ...image, data }] });
    expect(report.logs.map(({ text }) => text)).toEqual([
      '{"content":[{"type":"image","data":"[base64, 12 kB]","mimeType":"image/png"}]}',
      "[base64, 12 kB]",
    ]);
    expect(JSON.parse(describeReport(report, code, 4_000)).result).toEqual({
      content: ["[image/png, 12 kB]"],
    });
    expect(report.usage.tokens.directEstimate).toBeLessThan(200);
    const toStream = createStreamMapper({ id: run.id, createdAt: Date.parse(report.createdAt) });
    const texts: unknown[] = [];
    for await (const event of run.events())
      if (event.type === "log") texts.push(toStream(event)?.data["text"]);
    expect(texts[1]).toBe("[base64, 12 kB]");
  });
});
