/** What the system has run out of, by its error code, with the operator's remedy. */
const shortages: { readonly [code: string]: string } = {
  EMFILE:
    "no file descriptor is left to this process; raise its limit (ulimit -n, or nofile of the service or container)",
  ENFILE: "no file descriptor is left on this machine; raise fs.file-max, or end what holds them",
  EAGAIN:
    "the system allows no further process or thread; raise the limit (ulimit -u, or pids of the service or container)",
  ENOMEM:
    "there is no memory for another process; give the machine or container more, or lower sandbox.workers",
};

/**
 * What the system has run out of and the remedy, as one clause; undefined when the error is about something else. Never
 * throws.
 *
 * @example
 * import { describeShortage } from "toolarium/sandbox";
 *
 * const error = Object.assign(new Error("open"), { code: "EMFILE" });
 * console.log(describeShortage(error)?.split(";")[0]); // no file descriptor is left to this process
 */
export function describeShortage(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // Node reports a missing thread under a code of its own and puts the system's code into the message.
  return shortages[code === "ERR_WORKER_INIT_FAILED" ? "EAGAIN" : code];
}
