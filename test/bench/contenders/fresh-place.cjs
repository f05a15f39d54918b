/**
 * What runs in the fresh thread or process: one program, whose tools ask the parent and wait. Plain CommonJS, so that
 * neither type stripping nor the module loader is in the figure.
 */
const { parentPort } = require("node:worker_threads");

const say =
  parentPort === null ? (message) => process.send(message) : (message) => parentPort.postMessage(message);
const waiting = new Map();
let calls = 0;

function tool(name) {
  return (args) =>
    new Promise((resolve) => {
      calls += 1;
      waiting.set(calls, resolve);
      say({ type: "call", n: calls, tool: name, args });
    });
}

(parentPort ?? process).on("message", (message) => {
  if (message.type === "settled") waiting.get(message.n)?.(message.value);
  else if (message.type === "start") void start(message.code);
});

async function start(code) {
  const AsyncFunction = (async () => undefined).constructor;
  const program = new AsyncFunction("echo", "slow", code);
  say({ type: "done", result: await program(tool("echo"), tool("slow")) });
}
