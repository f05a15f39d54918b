#!/usr/bin/env node
// All other files need Node 24, even to be parsed. So this file imports nothing before the check.
const major = Number(process.versions.node.split(".")[0]);
if (major >= 24) {
  const { main } = await import("./cli.ts");
  await main(process.argv.slice(2));
} else {
  process.stderr.write(`toolarium needs Node 24 or newer; this is Node ${process.versions.node}.\n`);
  process.exitCode = 70;
}

export {};
