/** Where isolated-vm can't be loaded nothing starts, and nothing takes its place. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createSandbox } from "../../src/index.ts";
import { createLog } from "../../src/log.ts";
import { childLeaders } from "../code/helpers/process-groups.ts";
import { runCli, tempFile } from "./cli-process.ts";

/** Put before a worker: it starts as ever, and finds no isolated-vm. */
const wrapper = [
  "/bin/sh",
  "-c",
  'node=$1; shift; exec "$node" --import "$0" "$@"',
  fileURLToPath(new URL("../fixtures/without-isolated-vm.ts", import.meta.url)),
];

test("a sandbox is refused with the reason, and nothing of it is left running", async () => {
  const refusal = await createSandbox({ wrapper, log: createLog("silent") }).catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    name: "ToolariumError",
    code: "engine_missing",
    message: expect.stringMatching(
      /no other engine to fall back to: [\s\S]*Cannot find package 'isolated-vm'/,
    ),
  });
  expect(childLeaders()).toEqual([]);
});

test("the gateway does not listen, says why, and exits with the code of a missing engine", async () => {
  const config = tempFile(
    "toolarium.json",
    JSON.stringify({ store: { path: ":memory:" }, sandbox: { wrapper } }),
  );
  const { code, stdout, stderr } = await runCli(["serve", "--config", config, "--port", "0"]);
  expect({ code, stdout }).toEqual({ code: 70, stdout: "" });
  expect(stderr).toContain("Cannot find package 'isolated-vm'");
});
