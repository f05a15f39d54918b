/** The posts of a program, one after the other until it is over. Each was parsed, and is trusted no further. */
import type { Place } from "../origins.ts";
import { type GuestPost, parsePosts } from "./guest-posts.ts";
import type { Requests } from "./requests.ts";
import type { RunWarnings } from "./run-warnings.ts";
import type { SessionConsole } from "./session-console.ts";
import type { Timers } from "./timers.ts";

export interface HeardDeps {
  readonly requests: Requests;
  readonly timers: Timers;
  readonly console: SessionConsole;
  readonly warnings: RunWarnings;
  /** Whether the run is over; a post can cause that. */
  readonly isEnded: () => boolean;
}

export class Heard {
  /** The program's own end, once it was posted. */
  last: Extract<GuestPost, { type: "done" | "fail" }> | undefined;
  readonly #deps: HeardDeps;
  /** The last place in the program that a post gave. */
  #at: Place | undefined;

  constructor(deps: HeardDeps) {
    this.#deps = deps;
  }

  /** The program starts again in another worker. */
  restart(): void {
    this.last = undefined;
    this.#deps.console.restart();
    this.#deps.warnings.restart();
  }

  /** Takes one text of posts. Returns undefined, or how the text breaks the protocol. */
  take(text: string): string | undefined {
    const posts = parsePosts(text);
    if (!posts.ok) return posts.reason;
    for (const post of posts.value) {
      if (this.#deps.isEnded() || this.last !== undefined) return undefined;
      this.#takePost(post);
    }
    return undefined;
  }

  #takePost(post: GuestPost): void {
    const { requests, timers, console, warnings } = this.#deps;
    switch (post.type) {
      case "call":
        requests.takeCall(post, this.#at);
        break;
      case "timer":
        requests.takeTimer(post);
        break;
      case "clear":
        timers.clear(post.n);
        break;
      case "log":
      case "skip":
        console.take(post);
        break;
      case "remark":
        warnings.remark(post.text);
        break;
      case "at":
        this.#at = post.place;
        break;
      case "done":
      case "fail":
        this.last = post;
        break;
    }
  }
}
