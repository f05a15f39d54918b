/**
 * What is compared: something that runs a program in a place of its own and lets it call tools of its host. Every
 * contender does the same tasks with the same words, in the way its own documentation recommends.
 */

/** `echo` answers with its argument at once; `slow` answers after 100 ms. */
export type Task = "one call" | "ten calls" | "ten parallel 100 ms tools";

export interface Contender extends AsyncDisposable {
  /** Runs the task's program once and resolves with what it returned. */
  run(task: Task): Promise<unknown>;
}

/** The tools, as the host of any contender has them. */
export const hostTools: {
  readonly echo: (value: unknown) => unknown;
  readonly slow: () => Promise<number>;
} = {
  echo: (value) => value,
  slow: () => new Promise((resolve) => setTimeout(() => resolve(1), 100)),
};

/** The tasks' programs. `tools` is where a contender puts the tools: `""` for globals, `"lab."` for a namespace. */
export function programOf(task: Task, tools = ""): string {
  switch (task) {
    case "one call":
      return `return await ${tools}echo({ value: 1 });`;
    case "ten calls":
      return `let sum = 0; for (let i = 0; i < 10; i++) sum += await ${tools}echo({ value: i }); return sum;`;
    case "ten parallel 100 ms tools":
      return `return (await Promise.all(Array.from({ length: 10 }, () => ${tools}slow({})))).length;`;
  }
}

const answers: { readonly [T in Task]: number } = {
  "one call": 1,
  "ten calls": 45,
  "ten parallel 100 ms tools": 10,
};

/** A contender that answers wrongly has not run. */
export function checkAnswer(task: Task, answer: unknown): void {
  if (answer !== answers[task])
    throw new Error(`"${task}" gave ${JSON.stringify(answer)}, not ${answers[task]}`);
}
