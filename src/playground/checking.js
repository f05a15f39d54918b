/** What the checker says of the program in the editor, while it is written. */
import { checkProgram } from "./gateway.js";
import { renderRemarks } from "./report.js";

/** After the last key; a program takes some 10 ms to check. */
const PAUSE_MS = 400;

/** @type {AbortController | undefined} */
let checking;
/** @type {number | undefined} */
let pause;

/**
 * Checks after a pause; an answer that comes when the text has changed again is dropped.
 * @param {string} code
 * @param {Element} remarks where they are shown
 * @param {(line: number, column: number) => void} goTo
 */
export function checkSoon(code, remarks, goTo) {
  clearTimeout(pause);
  checking?.abort();
  remarks.replaceChildren();
  if (code.trim() === "") return;
  checking = new AbortController();
  const { signal } = checking;
  pause = setTimeout(async () => {
    // Whatever stands in the way will be told when the program runs.
    const diagnostics = await checkProgram(code, signal).catch(() => []);
    if (!signal.aborted && diagnostics.length > 0) remarks.replaceChildren(renderRemarks(diagnostics, goTo));
  }, PAUSE_MS);
}
