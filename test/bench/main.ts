/**
 * `npm run bench`: how fast, how fair, how small? Options behind `--`: `--short` only shows that everything runs,
 * `--peers` installs the peers into `.bench/` and lets them take part, names of questions ask only those.
 * Every figure is taken in this one run; compare the ratios, not machines. The tables at the end are the README's.
 */
import { type Extent, machineLine } from "./measure.ts";
import { installPeers } from "./peers.ts";
import { callCost } from "./questions/call-cost.ts";
import { catalogue } from "./questions/catalogue.ts";
import { compareWithPeers } from "./questions/compared.ts";
import { compile } from "./questions/compile.ts";
import { discovery } from "./questions/discovery.ts";
import { firstInstruction } from "./questions/first-instruction.ts";
import { growth } from "./questions/growth.ts";
import { hog } from "./questions/hog.ts";
import { journal } from "./questions/journal.ts";
import { mcpServer } from "./questions/mcp-server.ts";
import { memory } from "./questions/memory.ts";
import { plainMode } from "./questions/plain.ts";
import { resume } from "./questions/resume.ts";
import { runList } from "./questions/run-list.ts";
import { saturation } from "./questions/saturation.ts";
import { tellTables } from "./tables.ts";

const questions: { readonly [name: string]: (extent: Extent) => Promise<void> } = {
  "first-instruction": firstInstruction,
  compared: compareWithPeers,
  "call-cost": callCost,
  saturation,
  hog,
  memory,
  journal,
  resume,
  "run-list": runList,
  growth,
  discovery,
  compile,
  catalogue,
  plain: plainMode,
  "mcp-server": mcpServer,
};

const options = process.argv.slice(2);
const extent: Extent = { short: options.includes("--short"), peers: options.includes("--peers") };
const asked = options.filter((option) => !option.startsWith("--"));
const unknown = asked.find((name) => !(name in questions));
if (unknown !== undefined)
  throw new Error(`"${unknown}" is no question; there are ${Object.keys(questions).join(", ")}`);

if (extent.peers) installPeers();
console.log(machineLine());
for (const [name, answer] of Object.entries(questions))
  if (asked.length === 0 || asked.includes(name)) await answer(extent);
tellTables();
