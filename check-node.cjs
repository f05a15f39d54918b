// biome-ignore-all lint/style/useTemplate: old Nodes have to parse this.
// biome-ignore-all lint/style/useNodejsImportProtocol: old Nodes do not know it.
// Runs before the package is installed (`preinstall`), on whatever Node the machine has, and so needs no dependency.
// Without it npm compiles the engine for minutes on an old Node and then fails.
var fs = require("fs");
var path = require("path");

var NEEDED = 24;
var present = process.versions.node;
var needs = "toolarium needs Node.js >= " + NEEDED + "; this is " + present + ".";
var advice = "Install Node.js " + NEEDED + " or newer (https://nodejs.org), then run this again.";
// A checkout brings its own Node for everything but npm itself.
var isCheckout = fs.existsSync(path.join(__dirname, ".dev", "node", "package.json"));

if (Number(present.split(".")[0]) < NEEDED && !isCheckout) {
  process.stderr.write(needs + " " + advice + "\n");
  process.exit(1);
}
