// Our sync core from checkpoint to the newest finality update over compact sync, once, cold.
// Usage: node ours.mjs URL ROOT WASM

import { readFileSync } from "node:fs";
import { Core, batchOf } from "./core.mjs";
import { report } from "./report.mjs";

const [url, root, wasm] = process.argv.slice(2);
const get = async (name) => {
  const response = await fetch(`${url}/compact/${name}`);
  if (!response.ok) throw Error(`${name}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};
const cold = report();
const core = await Core.load(readFileSync(wasm));
const started = report();
const [bootstrap, updates, finality] = await Promise.all(["bootstrap", "updates", "finality"].map(get));
const slot = Number.MAX_SAFE_INTEGER;
core.start(Buffer.from(root.slice(2), "hex"), bootstrap);
core.apply(updates, slot);
core.apply(batchOf(finality), slot);
console.log(JSON.stringify({ sync: started.since(), all: cold.since(), ...core.finalized() }));
process.exit(0);
