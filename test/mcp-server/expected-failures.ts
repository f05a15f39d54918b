/**
 * What the conformance suite requires and the gateway does not do, with the reason. The list may only become shorter:
 * the test fails when one of these checks passes, and when another fails.
 */
import type { Revision } from "./helpers/conformance.ts";

interface Gap {
  readonly reason: string;
  /** `scenario: check` */
  readonly checks: readonly string[];
}

/** The code face, and the tools face. */
export type Face = "/mcp" | "/mcp/tools";

/** Of scenarios whose only check has their name. */
const whole = (...scenarios: readonly string[]): readonly string[] =>
  scenarios.map((scenario) => `${scenario}: ${scenario}`);

const prompts: Gap = {
  reason: "Prompts of the servers are not passed on, and the gateway has none of its own.",
  checks: whole(
    "prompts-get-embedded-resource",
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-with-image",
    "prompts-list",
  ),
};

const resources: Gap = {
  reason: "Resources of the servers are not passed on: the gateway's own are its declarations.",
  checks: whole("resources-read-binary", "resources-read-text", "resources-templates-read"),
};

const noResources: Gap = {
  reason: "The tools face has no declarations, and so no resource at all.",
  checks: whole("resources-list"),
};

const completion: Gap = {
  reason: "Completions complete arguments of prompts and of resource templates, and there are none.",
  checks: whole("completion-complete"),
};

const tools: Gap = {
  reason: "The code face lists programs over the tools of the servers, not these tools themselves.",
  checks: whole(
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-error",
    "tools-call-image",
    "tools-call-mixed-content",
    "tools-call-simple-text",
    "tools-call-with-progress",
  ),
};

const progress: Gap = {
  reason: "Progress that a server tells of a call prolongs the call, and is not passed on yet.",
  checks: whole("tools-call-with-progress"),
};

const sessionEra: readonly Gap[] = [
  prompts,
  resources,
  completion,
  {
    reason: "No resource changes: the declarations are told by tools/list_changed.",
    checks: whole("resources-subscribe", "resources-unsubscribe"),
  },
  {
    reason:
      "Log messages of a server are for the operator: the gateway logs them, and sends them to no client.",
    checks: whole("logging-set-level", "tools-call-with-logging"),
  },
  {
    reason: "What a server asks its client (elicitation, sampling) is not passed on: a call of it fails.",
    checks: [
      "elicitation-sep1034-defaults: elicitation-sep1034-general",
      "elicitation-sep1330-enums: elicitation-sep1330-general",
      ...whole("tools-call-elicitation", "tools-call-sampling"),
    ],
  },
];

const statelessEra: readonly Gap[] = [
  prompts,
  resources,
  completion,
  {
    reason: "There are no prompts, whose list would have hints for caches.",
    checks: ["caching: sep-2549-prompts-list-caching-hints"],
  },
  {
    reason:
      "What a server asks its client (elicitation, sampling, roots) is not passed on: a call of it fails.",
    checks: [
      "input-required-result-basic-elicitation: sep-2322-elicitation-incomplete",
      "input-required-result-basic-list-roots: sep-2322-list-roots-incomplete",
      "input-required-result-basic-sampling: sep-2322-sampling-incomplete",
      "input-required-result-capability-check: sep-2322-respect-client-capabilities",
      "input-required-result-multi-round: sep-2322-multi-round-r1",
      "input-required-result-multiple-input-requests: sep-2322-multiple-inputs-incomplete",
      "input-required-result-non-tool-request: sep-2322-non-tool-incomplete",
      "input-required-result-request-state: sep-2322-request-state-incomplete",
      "input-required-result-result-type: sep-2322-result-type-included",
      "input-required-result-tampered-state: sep-2322-reject-tampered-state",
    ],
  },
  {
    reason: "A server asks the gateway and not its clients: no call needs a capability of theirs.",
    checks: [
      "server-stateless: sep-2575-missing-capability-http-400",
      "server-stateless: sep-2575-server-rejects-undeclared-capability",
    ],
  },
];

export const expectedFailures: { readonly [F in Face]: { readonly [R in Revision]: readonly Gap[] } } = {
  "/mcp": {
    "2025-11-25": [...sessionEra, tools],
    "2026-07-28": [
      ...statelessEra,
      tools,
      {
        reason: "The suite looks for these in answers of tools that the code face does not list.",
        checks: [
          "server-stateless: sep-2575-http-server-no-independent-requests-on-stream",
          "server-stateless: sep-2575-server-no-log-without-loglevel",
        ],
      },
    ],
  },
  "/mcp/tools": {
    "2025-11-25": [...sessionEra, progress, noResources],
    "2026-07-28": [
      ...statelessEra,
      progress,
      noResources,
      {
        reason: "There are no resources, whose lists would have hints for caches.",
        checks: [
          "caching: sep-2549-resources-list-caching-hints",
          "caching: sep-2549-resources-templates-list-caching-hints",
        ],
      },
    ],
  },
};
