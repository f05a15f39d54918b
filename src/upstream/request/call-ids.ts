/** Call ids in a form that the provider accepts: unchanged where it accepts them, converted elsewhere. */
import { createHash } from "node:crypto";
import type { Traits } from "./quirk.ts";

type Form = Traits["callIds"];

const FORMS: { readonly [F in Form]: RegExp } = {
  any: /^.+$/s,
  short: /^.{1,40}$/s,
  word: /^[a-zA-Z0-9_-]{1,64}$/,
  nine: /^[a-zA-Z0-9]{9}$/,
};

/**
 * Converts the id of each call of a conversation; must be called in the conversation's order. A repeated id becomes a
 * different one, and the same conversation always gets the same ids.
 */
export function createCallIds(form: Form): (id: unknown) => string {
  const taken = new Set<string>();
  return (given) => {
    const id = typeof given === "string" ? given : "";
    let sent = FORMS[form].test(id) ? id : madeUp(form, id, 0);
    for (let count = 1; taken.has(sent); count += 1) sent = madeUp(form, id, count);
    taken.add(sent);
    return sent;
  };
}

function madeUp(form: Form, id: string, count: number): string {
  const digest = createHash("sha256").update(`${count}\n${id}`).digest("hex");
  return form === "nine" ? digest.slice(0, 9) : `call_${digest.slice(0, 24)}`;
}
