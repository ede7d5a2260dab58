// Once, cold, in Node. Usage: node ours.mjs URL ROOT WASM

import { readFileSync } from "node:fs";
import { load, sync } from "./clients/ours.mjs";
import { get } from "./http.mjs";
import { report } from "./report.mjs";

const [url, root, wasm] = process.argv.slice(2);
const cold = report();
const core = await load(readFileSync(wasm));
const started = report();
const slot = await sync(core, url, root, get);
console.log(JSON.stringify({ sync: started.since(), all: cold.since(), slot }));
process.exit(0);
