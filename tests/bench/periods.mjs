// A long run of periods in one batch, warm. Usage: node periods.mjs WASM FOLDER

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Core } from "./core.mjs";

const [wasm, folder] = process.argv.slice(2);
const read = (name) => readFileSync(join(folder, name));
const [root, bootstrap, updates] = ["root", "bootstrap", "updates"].map(read);
const periods = new DataView(updates.buffer, updates.byteOffset).getUint16(1, true);
const core = await Core.load(readFileSync(wasm));
let best = Infinity;
for (let run = 0; run < 12; run += 1) {
  core.start(root, bootstrap);
  const begin = performance.now();
  core.apply(updates, Number.MAX_SAFE_INTEGER);
  best = Math.min(best, performance.now() - begin);
}
console.log(JSON.stringify({ periods, bytes: updates.length, ms: best }));
