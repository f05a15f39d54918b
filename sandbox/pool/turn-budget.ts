/** Characters that may be written to workers in one turn of the event loop. One write that is larger is a turn of its own. */
export class TurnBudget {
  readonly #limit: number;
  readonly #onRenewed: () => void;
  #spent = 0;
  #nextTurn: NodeJS.Immediate | undefined;

  /** `onRenewed` is called in the turn after one in which all was spent. */
  constructor(limit: number, onRenewed: () => void) {
    this.#limit = limit;
    this.#onRenewed = onRenewed;
  }

  get isSpent(): boolean {
    return this.#spent >= this.#limit;
  }

  spend(chars: number): void {
    this.#spent += chars;
    this.#nextTurn ??= setImmediate(() => {
      const wasSpent = this.isSpent;
      this.#spent = 0;
      this.#nextTurn = undefined;
      if (wasSpent) this.#onRenewed();
    });
  }

  close(): void {
    clearImmediate(this.#nextTurn);
  }
}
