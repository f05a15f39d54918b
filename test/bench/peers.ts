/** The peers, installed on demand into `.bench/`, which is no part of the project: exact versions, no install scripts. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const versions: { readonly [name: string]: string } = {
  "@portkey-ai/gateway": "1.15.2",
  "@utcp/code-mode": "1.2.12",
  "@utcp/direct-call": "1.0.12",
  "@utcp/sdk": "1.1.2",
  "isolated-vm": "6.2.0",
  "quickjs-emscripten": "0.32.0",
};
const folder: URL = new URL("../../.bench/", import.meta.url);

/** Does nothing when these versions are there. */
export function installPeers(): void {
  if (Object.entries(versions).every(([name, version]) => installedVersion(name) === version)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL("package.json", folder), '{ "private": true }\n');
  const packages = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
  const prefix = ["--prefix", fileURLToPath(folder)];
  const flags = ["--save-exact", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"];
  execFileSync("npm", ["install", ...prefix, ...flags, ...packages], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Throws when `installPeers` has not been called in this checkout. */
export function loadPeer(name: string): unknown {
  return createRequire(new URL("package.json", folder))(name);
}

export function describePeers(): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

function installedVersion(name: string): string | undefined {
  try {
    const text = readFileSync(new URL(`node_modules/${name}/package.json`, folder), "utf8");
    return JSON.parse(text).version;
  } catch {
    return undefined;
  }
}
