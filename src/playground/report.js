/** Turns a report into elements. Everything goes in as text: what a program returns is never read as HTML. */

/**
 * @param {any} report as `POST /v1/sandbox/runs` answers
 * @param {(line: number, column: number) => void} goTo shows a place in the program
 * @param {(run: string, call: string, decision: "approve" | "deny") => void} decide
 * @returns {Node[]}
 */
export function renderReport(report, goTo, decide) {
  return [
    report.error && renderError(report.error, goTo),
    report.status === "completed" && renderResult(report.result),
    report.pending.length > 0 && renderPending(report, decide),
    report.diagnostics.length > 0 && renderDiagnostics(report.diagnostics, goTo),
    report.logs.length > 0 && renderLogs(report.logs),
    report.calls.length > 0 && renderCalls(report.calls),
    renderUsage(report),
  ].filter((part) => part instanceof Node);
}

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/** @param {number | null} ms */
export function formatMs(ms) {
  if (ms === null) return "–";
  return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
}

/** @param {string} title @param {...(Node | string)} children */
function part(title, ...children) {
  return element("section", { className: "part" }, element("h3", {}, title), ...children);
}

/** @param {any} result */
function renderResult(result) {
  const text = typeof result === "string" ? result : JSON.stringify(result, null, 2);
  return part("Result", element("pre", { className: "result", tabIndex: 0 }, text));
}

/** @param {any} error @param {(line: number, column: number) => void} goTo */
function renderError(error, goTo) {
  const place = error.line === undefined ? [] : [" ", placeButton(error, goTo)];
  const box = element(
    "div",
    { className: "failure" },
    element("p", {}, element("code", {}, error.code), ...place),
    element("p", { className: "message" }, error.message),
  );
  if (error.hint) box.append(element("p", { className: "hint" }, error.hint));
  if (error.effects === "possible")
    box.append(element("p", { className: "hint" }, "A call that can change something had already started."));
  return part("Error", box);
}

/** @param {any} place @param {(line: number, column: number) => void} goTo */
function placeButton({ line, column }, goTo) {
  return element(
    "button",
    { type: "button", className: "link", onclick: () => goTo(line, column ?? 1) },
    `line ${line}${column === undefined ? "" : `, column ${column}`}`,
  );
}

/** @param {any} report @param {(run: string, call: string, decision: "approve" | "deny") => void} decide */
function renderPending({ id, pending }, decide) {
  const items = pending.map((/** @type {any} */ { call, tool, reason, arguments: args }) => {
    const button = (/** @type {"approve" | "deny"} */ decision, /** @type {string} */ words) =>
      element("button", { type: "button", onclick: () => decide(id, call, decision) }, words);
    return element(
      "li",
      {},
      element("code", {}, tool),
      ` – ${reason}`,
      element("pre", { tabIndex: 0 }, JSON.stringify(args, null, 2)),
      element("p", { className: "decisions" }, button("approve", "Approve"), " ", button("deny", "Deny")),
    );
  });
  return part("Waits for a person", element("ul", { className: "pending" }, ...items));
}

/** @param {any[]} diagnostics @param {(line: number, column: number) => void} goTo */
function renderDiagnostics(diagnostics, goTo) {
  return part("Remarks on the text", renderRemarks(diagnostics, goTo));
}

/** @param {any[]} diagnostics @param {(line: number, column: number) => void} goTo */
export function renderRemarks(diagnostics, goTo) {
  const items = diagnostics.map((each) =>
    element(
      "li",
      { className: each.severity },
      placeButton(each, goTo),
      ` ${each.severity}: ${each.message}`,
    ),
  );
  return element("ul", { className: "remarks" }, ...items);
}

/** @param {any[]} logs */
function renderLogs(logs) {
  const lines = logs.map((entry) =>
    element(
      "li",
      { className: entry.level },
      element("span", { className: "at" }, formatMs(entry.atMs)),
      entry.text,
    ),
  );
  return part(`Console (${logs.length})`, element("ol", { className: "logs", tabIndex: 0 }, ...lines));
}

/** @param {any[]} calls */
function renderCalls(calls) {
  const started = calls.filter((call) => call.startedMs !== null);
  const fromMs = Math.min(...started.map((call) => call.startedMs));
  const toMs = Math.max(fromMs + 1, ...started.map((call) => call.startedMs + (call.durationMs ?? 0)));
  const heads = ["#", "Tool", "Status", "Start", "Took", "Timeline"];
  const table = element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, ...calls.map((call) => renderCall(call, fromMs, toMs))),
  );
  return part(`Tool calls (${calls.length})`, element("div", { className: "calls", tabIndex: 0 }, table));
}

/** @param {any} call @param {number} fromMs @param {number} toMs */
function renderCall(call, fromMs, toMs) {
  const bar = element("span", { className: `bar ${call.status}`, hidden: call.startedMs === null });
  bar.style.marginInlineStart = `${(100 * (call.startedMs - fromMs)) / (toMs - fromMs)}%`;
  bar.style.inlineSize = `${(100 * (call.durationMs ?? 0)) / (toMs - fromMs)}%`;
  const status =
    call.decision === null || call.decision === "auto" ? call.status : `${call.status}, ${call.decision}`;
  return element(
    "tr",
    { title: call.error?.message ?? "" },
    element("td", { className: "number" }, String(call.seq)),
    element("td", {}, element("code", {}, call.tool)),
    element("td", {}, element("span", { className: `badge ${call.status}` }, status)),
    element("td", { className: "number" }, formatMs(call.startedMs)),
    element("td", { className: "number" }, formatMs(call.durationMs)),
    element("td", { className: "track" }, bar),
  );
}

/** @param {any} report */
function renderUsage({ id, usage }) {
  const rows = [
    ["Wall time", formatMs(usage.wallMs)],
    ["CPU", formatMs(usage.cpuMs)],
    ["Compile", formatMs(usage.compileMs)],
    ["Queue", formatMs(usage.queueMs)],
    ["Tool calls", String(usage.toolCalls)],
    ["Tokens to the model", String(usage.tokens.result)],
    ["Tokens of its calls' results", String(usage.tokens.directEstimate)],
    ["Peak heap", `${(usage.peakHeapBytes / 1024 / 1024).toFixed(1)} MB`],
  ];
  const cells = rows.map(([name, value]) =>
    element("div", {}, element("dt", {}, name ?? ""), element("dd", {}, value ?? "")),
  );
  return part("Usage", element("dl", {}, ...cells), element("p", { className: "run-id" }, id));
}
