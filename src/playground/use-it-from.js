/** The panel "Use it from…": what to paste into each MCP client so that it finds this gateway. */
import { clientEntries } from "./clients.js";
import { element } from "./report.js";

const words = { address: "by its address", process: "as a process that it starts" };

/**
 * @param {string} gateway its address without a path
 * @param {boolean} hasKeys whether it asks for a key
 * @returns {Node[]}
 */
export function renderClients(gateway, hasKeys) {
  const byClient = Map.groupBy(clientEntries({ gateway, hasKeys }), ({ client }) => client);
  return [...byClient].map(([client, entries]) =>
    element(
      "details",
      {},
      element("summary", {}, element("strong", {}, client)),
      ...entries.flatMap(({ way, place, text }) => [
        element("p", {}, `${words[way]}: `, element("code", {}, place), " ", copyButton(text)),
        element("pre", { className: "declarations", tabIndex: 0 }, text),
      ]),
    ),
  );
}

/** @param {string} text */
function copyButton(text) {
  // Browsers have a clipboard only for pages of this machine and of https.
  const { clipboard } = navigator;
  if (clipboard === undefined) return "";
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    button.textContent = await clipboard.writeText(text).then(
      () => "Copied",
      () => "Not copied",
    );
  });
  return button;
}
