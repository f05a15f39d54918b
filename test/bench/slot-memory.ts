/** Builds as many slots as it is told, as a worker does, and prints the megabytes of resident memory each has taken. */

import { defaultLimits } from "../../sandbox/limits.ts";
import { createGuestCode } from "../../sandbox/worker/guest-code.ts";
import { loadGuestScripts } from "../../sandbox/worker/guest-scripts.ts";
import { createSlot } from "../../sandbox/worker/isolate.ts";
import { memoryOf } from "./processes.ts";

const count = Number(process.argv[2]);
const code = createGuestCode(loadGuestScripts().scripts);
// The first pays for what all share.
const slots = [createSlot(defaultLimits.memoryMb, code), createSlot(defaultLimits.memoryMb, code)];
const beforeMb = memoryOf(process.pid).rssMb;
for (let i = 0; i < count; i++) slots.push(createSlot(defaultLimits.memoryMb, code));
process.stdout.write(String((memoryOf(process.pid).rssMb - beforeMb) / count));
for (const slot of slots) await slot.dispose();
