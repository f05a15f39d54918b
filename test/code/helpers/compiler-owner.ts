/** A process that owns a compiler, says its pid, gives it a text it will never finish, and waits to be killed. */
import { createCompiler } from "../../../src/code/process/compiler-process.ts";
import { createLog } from "../../../src/log.ts";

const compiler = await createCompiler({ deadlineMs: 60_000, log: createLog("silent") });
process.send?.(compiler.stats().pid);
const bomb = Array.from({ length: 30 }).reduce((inner) => `a ? (b) : c => (${inner})`, "1");
const request = { code: `const n: number = 1;\n${bomb}`, sourceBytes: 65_536, globals: [], check: null };
await compiler.compile(request, { principal: "owner" });
