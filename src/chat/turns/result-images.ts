/**
 * Images that tools and programs gave, for models that see them. A tool message has marks in their place, and is what
 * the journal of the chat keeps; the images themselves stand in the results, and are looked up there for each turn.
 */
import { parseJson } from "../../json.ts";
import type { RunReader } from "../../runs/read/reading.ts";
import { settlementIn } from "../../runs/record/call-result.ts";
import { imagesIn } from "../../runs/record/media-marks.ts";
import type { RunState } from "../../runs/record/run-state.ts";
import type { Image } from "../../upstream/model.ts";
import type { KeptTurn } from "./kept-turn.ts";

/** Of one request, the latest ones first: providers take 20 of them without further limits, and each costs tokens. */
const MAX_IMAGES = 10;
/** Of one image: what Anthropic takes, the strictest. */
const MAX_BASE64_CHARS = 5_000_000;

/** By turn and the model's own id of the call; most have none. `chat`: what its journal says. */
export async function resultImages(
  turns: readonly KeptTurn[],
  chat: RunState,
  reader: Pick<RunReader, "state">,
): Promise<ReadonlyMap<string, readonly Image[]>> {
  const images = new Map<string, readonly Image[]>();
  let left = MAX_IMAGES;
  for (const turn of turns.toReversed())
    for (const place of turn.places.toReversed()) {
      const content = turn.answers.get(place.id)?.content ?? "";
      // The mark of one: without it nothing has to be looked up.
      if (left === 0 || !content.includes("[image/")) continue;
      const value =
        place.run === undefined ? callValue(chat, place.call) : await programValue(reader, place.run);
      const found = imagesIn(value).filter(({ base64 }) => base64.length <= MAX_BASE64_CHARS);
      const shown = found.slice(0, left);
      left -= shown.length;
      if (shown.length > 0) images.set(imageKey(turn, place.id), shown);
    }
  return images;
}

export function imageKey({ seq }: Pick<KeptTurn, "seq">, id: string): string {
  return `${seq} ${id}`;
}

function callValue(chat: RunState, call = ""): unknown {
  const settled = settlementIn(chat, call);
  return settled?.type === "value" ? settled.value : undefined;
}

async function programValue(reader: Pick<RunReader, "state">, run: string): Promise<unknown> {
  const { end } = await reader.state(run);
  return typeof end?.result === "string" ? parseJson(end.result) : undefined;
}
