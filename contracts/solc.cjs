#!/usr/bin/env node
// forge wants a native solc; this gives it npm's: it answers the two calls that forge makes.
const solc = require("solc");
const version = solc.version().replace("Emscripten.clang", "Linux.g++");

if (process.argv.includes("--version")) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${version}`);
} else if (process.argv.includes("--standard-json")) {
  let input = "";
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (chunk) => (input += chunk));
  process.stdin.on("end", () => process.stdout.write(solc.compile(input)));
} else {
  console.error(`solc.cjs answers --version and --standard-json, not: ${process.argv.slice(2).join(" ")}`);
  process.exit(1);
}
