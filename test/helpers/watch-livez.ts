/** Asks the address it is given, again and again, until its stdin ends; prints how many answers it had and the worst. */
import { Agent, get } from "node:http";
import { setTimeout } from "node:timers/promises";

const [, , url = ""] = process.argv;
const ASK_EVERY_MS = 5;
const agent = new Agent({ keepAlive: true });
let isOver = false;
process.stdin.resume().on("end", () => {
  isOver = true;
});

const ask = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const askedAt = performance.now();
    get(url, { agent }, (answer) => answer.resume().on("end", () => resolve(performance.now() - askedAt))).on(
      "error",
      reject,
    );
  });

let worstMs = 0;
let answers = 0;
while (!isOver) {
  worstMs = Math.max(worstMs, await ask());
  answers += 1;
  if (answers === 1) console.log("watching");
  await setTimeout(ASK_EVERY_MS);
}
console.log(JSON.stringify({ worstMs: Math.ceil(worstMs), answers }));
agent.destroy();
