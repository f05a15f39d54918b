/** The modes: who answers a model's tool calls. `auto` is experimental. */
export const modeNames = ["plain", "agent", "code", "auto"] as const;

export type Mode = (typeof modeNames)[number];

export function isMode(value: unknown): value is Mode {
  return modeNames.some((name) => name === value);
}
