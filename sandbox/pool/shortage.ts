/** What the system has run out of, by the code of its error, and what its operator can do. */
const shortages: { readonly [code: string]: string } = {
  EMFILE:
    "no file descriptor is left to this process; raise its limit (ulimit -n, or nofile of the service or container)",
  ENFILE: "no file descriptor is left on this machine; raise fs.file-max, or end what holds them",
  EAGAIN:
    "the system allows no further process or thread; raise the limit (ulimit -u, or pids of the service or container)",
  ENOMEM:
    "there is no memory for another process; give the machine or container more, or lower sandbox.workers",
};

/** One clause with the remedy, or undefined when the error tells of something else. */
export function describeShortage(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // Node has a code of its own for a thread, and puts the system's into the message.
  return shortages[code === "ERR_WORKER_INIT_FAILED" ? "EAGAIN" : code];
}
