/** The page: an editor, a report, and the tools. */
import { checkSoon } from "./checking.js";
import { examples } from "./examples.js";
import { decideCall, hasKey, KeyNeeded, listTools, readDeclarations, runProgram, useKey } from "./gateway.js";
import { element, formatMs, renderReport } from "./report.js";
import { renderClients } from "./use-it-from.js";

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

const code = byId("code");
const example = byId("example");
const lineNumbers = byId("line-numbers");
const run = byId("run");
const stop = byId("stop");
const status = byId("status");
const report = byId("report");
const keyForm = byId("key-form");

/** @type {AbortController | undefined} */
let running;

fillExamples();
listen();
void showTools();

function fillExamples() {
  example.append(...examples.map(({ title }, index) => new Option(title, String(index))));
  chooseExample();
}

function listen() {
  example.addEventListener("change", chooseExample);
  code.addEventListener("input", changed);
  code.addEventListener("scroll", () => {
    lineNumbers.scrollTop = code.scrollTop;
  });
  run.addEventListener("click", () => start());
  stop.addEventListener("click", () => running?.abort());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void start();
  });
  keyForm.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    useKey(byId("key").value);
    keyForm.hidden = true;
    void showTools();
  });
}

function chooseExample() {
  const chosen = examples[Number(example.value)];
  if (chosen === undefined) return;
  code.value = chosen.code;
  byId("question").textContent = chosen.question;
  changed();
}

function changed() {
  countLines();
  checkSoon(code.value, byId("remarks"), goTo);
}

function countLines() {
  const lines = code.value.split("\n").length;
  lineNumbers.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
  lineNumbers.scrollTop = code.scrollTop;
}

/** @param {(signal: AbortSignal) => Promise<any>} [act] gives a report; by default that of the program in the editor */
async function start(act = (signal) => runProgram(code.value, signal)) {
  if (running) return;
  running = new AbortController();
  setRunning(true);
  setStatus("running", "running");
  try {
    const answer = await act(running.signal);
    const { wallMs, toolCalls } = answer.usage;
    setStatus(answer.status, `${answer.status}, ${formatMs(wallMs)}, ${toolCalls} tool calls`);
    report.replaceChildren(...renderReport(answer, goTo, decide));
  } catch (error) {
    showFailure(error);
  } finally {
    running = undefined;
    setRunning(false);
  }
}

/** @param {string} id of the run @param {string} call @param {"approve" | "deny"} decision */
function decide(id, call, decision) {
  void start((signal) => decideCall(id, call, decision, signal));
}

/** @param {unknown} error */
function showFailure(error) {
  if (running?.signal.aborted) return setStatus("cancelled", "cancelled");
  setStatus("failed", "not run");
  const message = error instanceof Error ? error.message : String(error);
  report.replaceChildren(
    element("div", { className: "failure" }, element("p", { className: "message" }, message)),
  );
  if (error instanceof KeyNeeded) askForKey();
}

/** @param {boolean} isRunning */
function setRunning(isRunning) {
  run.disabled = isRunning;
  stop.hidden = !isRunning;
  report.setAttribute("aria-busy", String(isRunning));
}

/** @param {string} kind @param {string} text */
function setStatus(kind, text) {
  status.className = `badge ${kind}`;
  status.textContent = text;
}

function askForKey() {
  byId("key-refused").hidden = !hasKey();
  keyForm.hidden = false;
  byId("key").focus();
}

/**
 * Puts the cursor at a place of the program.
 * @param {number} line from 1
 * @param {number} column from 1
 */
function goTo(line, column) {
  const before = code.value.split("\n").slice(0, line - 1);
  const start = before.reduce(
    (/** @type {number} */ sum, /** @type {string} */ text) => sum + text.length + 1,
    0,
  );
  code.focus();
  code.setSelectionRange(start + column - 1, start + column);
}

async function showTools() {
  const summary = byId("tools-status");
  try {
    const tools = await listTools();
    const servers = Map.groupBy(tools, (/** @type {any} */ tool) => tool.server);
    summary.textContent = `${tools.length} tools of ${servers.size} servers`;
    byId("tools").replaceChildren(...[...servers].map(([server, own]) => renderServer(server, own)));
    showClients();
  } catch (error) {
    summary.textContent = error instanceof Error ? error.message : String(error);
    if (error instanceof KeyNeeded) askForKey();
  }
}

/** Once the gateway has answered: before, it is not known whether it asks for a key. */
function showClients() {
  byId("clients").replaceChildren(...renderClients(location.origin, hasKey()));
  byId("clients-key").hidden = !hasKey();
  byId("clients-section").hidden = false;
}

/** @param {string} server @param {any[]} tools */
function renderServer(server, tools) {
  const declarations = element("pre", { className: "declarations", tabIndex: 0 }, "…");
  const details = element(
    "details",
    {},
    element(
      "summary",
      {},
      element("strong", {}, server),
      ` ${tools.length === 1 ? "1 tool" : `${tools.length} tools`}`,
    ),
    element("ul", { className: "tools" }, ...tools.map(renderTool)),
    declarations,
  );
  const load = async () => {
    declarations.textContent = await readDeclarations(server).catch((error) => error.message);
  };
  details.addEventListener("toggle", load, { once: true });
  return details;
}

/** @param {any} tool @returns {"denied" | "unavailable" | "runs" | "asks"} */
function badgeOf({ allowed, available, autoExecute }) {
  if (!allowed) return "denied";
  if (!available) return "unavailable";
  return autoExecute ? "runs" : "asks";
}

/** @param {any} tool */
function renderTool(tool) {
  const badge = badgeOf(tool);
  const words = {
    denied: "not allowed",
    unavailable: tool.reason ?? "unavailable",
    runs: "runs by itself",
    asks: "asks a person",
  };
  return element(
    "li",
    {},
    element("code", {}, tool.callable),
    " ",
    element("span", { className: `badge ${badge}` }, words[badge]),
    element("p", {}, tool.description),
  );
}
