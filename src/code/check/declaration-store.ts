/** The declarations that a compiler process holds, by hash: requested once, and dropped when others are used more. */

import type { ToolTypes } from "./checked.ts";
import { readToolSignatures, type ToolSignatures } from "./tool-signatures.ts";

export interface ToolDeclarations extends ToolTypes {
  /** Parsed at the first use: a program without faults needs none. */
  signatures(): ToolSignatures;
}

/** Above the checker's own limit of 20 tool sets. */
const MAX_KEPT = 32;

export class DeclarationStore {
  readonly #ask: (hash: string) => void;
  /** In the order of last use. */
  readonly #kept = new Map<string, ToolDeclarations>();
  readonly #asked = new Map<string, PromiseWithResolvers<ToolDeclarations>>();

  /** `ask` requests the text, which then arrives by `put`. */
  constructor(ask: (hash: string) => void) {
    this.#ask = ask;
  }

  async get(hash: string): Promise<ToolDeclarations> {
    const kept = this.#kept.get(hash);
    if (kept === undefined) return await this.#fetch(hash);
    this.#kept.delete(hash);
    this.#kept.set(hash, kept);
    return kept;
  }

  put(hash: string, text: string): void {
    let signatures: ToolSignatures | undefined;
    const declarations: ToolDeclarations = {
      hash,
      text,
      signatures: () => {
        signatures ??= readToolSignatures(text);
        return signatures;
      },
    };
    this.#kept.set(hash, declarations);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(oldest);
    }
    this.#asked.get(hash)?.resolve(declarations);
    this.#asked.delete(hash);
  }

  #fetch(hash: string): Promise<ToolDeclarations> {
    const asked = this.#asked.get(hash);
    if (asked !== undefined) return asked.promise;
    const asking = Promise.withResolvers<ToolDeclarations>();
    this.#asked.set(hash, asking);
    this.#ask(hash);
    return asking.promise;
  }
}
