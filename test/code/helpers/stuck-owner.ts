/** Starts a process that gets stuck, in a group of its own, says its pid, and waits to be killed. */
import { fork } from "node:child_process";

const child = fork(new URL("stuck-child.ts", import.meta.url), { execArgv: [], detached: true });
child.on("message", (pid) => process.send?.(pid));
