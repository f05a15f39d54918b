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

/** A scenario whose only check has its name. */
const whole = (scenario: string): string => `${scenario}: ${scenario}`;

const tools: Gap = {
  reason: "The code face lists programs over the tools of the servers, not these tools themselves.",
  checks: [
    "tools-call-audio",
    "tools-call-embedded-resource",
    "tools-call-error",
    "tools-call-image",
    "tools-call-mixed-content",
    "tools-call-simple-text",
    "tools-call-with-progress",
  ].map(whole),
};

const prompts: Gap = {
  reason: "Prompts of the servers are not passed on, and the gateway has none of its own.",
  checks: [
    "prompts-get-embedded-resource",
    "prompts-get-simple",
    "prompts-get-with-args",
    "prompts-get-with-image",
    "prompts-list",
  ].map(whole),
};

const resources: Gap = {
  reason: "Resources of the servers are not passed on: the only resource is the gateway's declarations.",
  checks: ["resources-read-binary", "resources-read-text", "resources-templates-read"].map(whole),
};

const completion: Gap = {
  reason: "Completions complete arguments of prompts and of resource templates, and there are none.",
  checks: [whole("completion-complete")],
};

export const expectedFailures: { readonly [R in Revision]: readonly Gap[] } = {
  "2025-11-25": [
    tools,
    prompts,
    resources,
    completion,
    {
      reason:
        "The declarations change with the tools, which tools/list_changed tells: no resource is subscribed to.",
      checks: ["resources-subscribe", "resources-unsubscribe"].map(whole),
    },
    {
      reason:
        "Log messages of a server are for the operator: they are in the gateway's log and never sent to a client.",
      checks: ["logging-set-level", "tools-call-with-logging"].map(whole),
    },
    {
      reason: "What a server asks its client (elicitation, sampling) is not passed on: a call of it fails.",
      checks: [
        "elicitation-sep1034-defaults: elicitation-sep1034-general",
        "elicitation-sep1330-enums: elicitation-sep1330-general",
        ...["tools-call-elicitation", "tools-call-sampling"].map(whole),
      ],
    },
  ],
  "2026-07-28": [
    tools,
    prompts,
    resources,
    completion,
    {
      reason: "There are no prompts, so that their list has no hints for caches.",
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
      reason: "These need a tool that asks the client or logs to it, which no server behind the gateway can.",
      checks: [
        "server-stateless: sep-2575-http-server-no-independent-requests-on-stream",
        "server-stateless: sep-2575-missing-capability-http-400",
        "server-stateless: sep-2575-server-no-log-without-loglevel",
        "server-stateless: sep-2575-server-rejects-undeclared-capability",
      ],
    },
  ],
};
