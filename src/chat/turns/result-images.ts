/**
 * Images from results of tools and programs, for models that read images. The tool messages in the chat's journal hold
 * marks in their place; the images themselves stay in the results, and are looked up there for each turn.
 */
import { parseJson } from "../../json.ts";
import type { RunReader } from "../../runs/read/reading.ts";
import { settlementIn } from "../../runs/record/call-result.ts";
import { imagesIn } from "../../runs/record/media-marks.ts";
import type { RunState } from "../../runs/record/run-state.ts";
import type { Image } from "../../upstream/model.ts";
import type { KeptTurn } from "./kept-turn.ts";

/** Most images in one request; the latest count. Providers take 20 without further limits, and each costs tokens. */
const MAX_IMAGES = 10;
/** Most characters of one image: the limit of Anthropic, which is the strictest. */
const MAX_BASE64_CHARS = 5_000_000;

/** Images by `imageKey`; calls without images have no entry. `chat`: the state of the chat's journal. */
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
      // Without the mark of an image there is nothing to look up.
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
