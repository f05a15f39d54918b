import { isExact } from "../../json.ts";
import { type Fields, isFields } from "../../upstream/model.ts";
import { addToThought, continuesThought } from "./thoughts.ts";

/** The fields of deltas, joined to those of a whole message. */
export interface MergedFields {
  /** Adds the next delta: texts and lists are appended, other values replace. The delta itself is not changed. */
  add(later: Fields): void;
  /** Must not be changed. The next `add` may change it. */
  readonly fields: Fields;
}

type OwnFields = Record<string, unknown>;

/** The cost of `add` depends on the size of the delta, not on what came before. */
export function createMergedFields(): MergedFields {
  const own = createOwnFields();
  /** Objects and lists that were made here and may be changed; all others belong to a delta. */
  const made = new WeakSet<object>([own]);

  const merge = (target: OwnFields, later: Fields): void => {
    for (const [name, value] of Object.entries(later)) target[name] = mergeValue(target[name], value);
  };
  const append = (list: unknown[], item: unknown): void => {
    const last = list.at(-1);
    if (!isFields(last) || !continuesThought(last, item)) return void list.push(item);
    const thought = made.has(last) ? (last as OwnFields) : Object.assign(createOwnFields(), last);
    made.add(thought);
    addToThought(thought, item);
    list[list.length - 1] = thought;
  };
  const mergeValue = (earlier: unknown, later: unknown): unknown => {
    if (typeof earlier === "string" && typeof later === "string") return earlier + later;
    if (Array.isArray(earlier) && Array.isArray(later)) {
      const list: unknown[] = made.has(earlier) ? earlier : [...earlier];
      made.add(list);
      for (const item of later) append(list, item);
      return list;
    }
    if (isMergeable(earlier) && isMergeable(later)) {
      const fields = made.has(earlier) ? (earlier as OwnFields) : Object.assign(createOwnFields(), earlier);
      made.add(fields);
      merge(fields, later);
      return fields;
    }
    return later ?? earlier;
  };
  return { add: (later) => merge(own, later), fields: own };
}

/** Without a prototype: a provider may name a field `__proto__`. */
function createOwnFields(): OwnFields {
  return Object.create(null) as OwnFields;
}

function isMergeable(value: unknown): value is Fields {
  return isFields(value) && !isExact(value);
}
