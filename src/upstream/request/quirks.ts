/**
 * The form in which providers accept a request. Everything known about them is a row of the table in quirk-rows.ts. An
 * unknown provider gets the form that most of them accept.
 */

import type { ModelOptions, ProviderConfig } from "../../config/config.ts";
import type { Traits } from "./quirk.ts";
import { quirkRows } from "./quirk-rows.ts";

const common: Traits = {
  omit: [],
  rename: {},
  formatWithTools: "taken",
  schemas: "common",
  maxTools: Number.POSITIVE_INFINITY,
  strict: true,
  messageFields: "all",
  names: true,
  toolNames: false,
  thoughts: "keep",
  signature: null,
  callIds: "any",
  developer: false,
  systemFirst: false,
  alternates: false,
  userAfterTool: true,
  noText: "null",
  emptyText: true,
  plainText: false,
  images: "mark",
};

/** All matching rows, later ones over earlier ones, and the operator's settings over all. */
export function traitsOf(
  { type, baseUrl }: Pick<ProviderConfig, "type" | "baseUrl">,
  model: string,
  { images }: Pick<ModelOptions, "images"> = {},
): Traits {
  const host = URL.parse(baseUrl)?.hostname ?? "";
  const matching = quirkRows.filter(
    ({ hosts, types, models }) =>
      (hosts?.test(host) ?? true) && (types?.includes(type) ?? true) && (models?.test(model) ?? true),
  );
  const known: Traits = {
    ...common,
    ...Object.assign({}, ...matching.map(({ traits }) => traits)),
    omit: matching.flatMap(({ traits }) => traits.omit ?? []),
    rename: Object.assign({}, ...matching.map(({ traits }) => traits.rename)),
  };
  if (images === undefined) return known;
  if (!images) return { ...known, images: "mark" };
  return { ...known, images: known.images === "mark" ? "user-message" : known.images };
}
