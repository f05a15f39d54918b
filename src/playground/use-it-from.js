/** The panel "Use it from…": what to paste into each MCP client so that it finds this gateway. */
import { clientEntries } from "./clients.js";
import { element } from "./report.js";

/**
 * @param {string} gateway its address without a path
 * @param {boolean} hasKeys whether it asks for a key
 * @returns {Node[]}
 */
export function renderClients(gateway, hasKeys) {
  return clientEntries(gateway, hasKeys).map(({ client, place, text }) =>
    element(
      "details",
      {},
      element("summary", {}, element("strong", {}, client), ` ${place}`),
      element("pre", { className: "declarations", tabIndex: 0 }, text),
      copyButton(text),
    ),
  );
}

/** @param {string} text */
function copyButton(text) {
  const button = element("button", { type: "button" }, "Copy");
  // Browsers have a clipboard only for pages of this machine and of https.
  const { clipboard } = navigator;
  if (clipboard === undefined) return element("span");
  button.addEventListener("click", async () => {
    button.textContent = await clipboard.writeText(text).then(
      () => "Copied",
      () => "Not copied",
    );
  });
  return button;
}
