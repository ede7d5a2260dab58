// Long runs of periods, a batch each, warm. Usage: node periods.mjs WASM FOLDER…

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Core } from "./core.mjs";

const [wasm, ...folders] = process.argv.slice(2);
const core = await Core.load(readFileSync(wasm));
const sum = { periods: 0, bytes: 0, ms: 0 };
for (const folder of folders) {
  const [root, bootstrap, updates] = ["root", "bootstrap", "updates"].map((name) => readFileSync(join(folder, name)));
  let best = Infinity;
  for (let run = 0; run < 12; run += 1) {
    core.start(root, bootstrap);
    const begin = performance.now();
    core.apply(updates, Number.MAX_SAFE_INTEGER);
    best = Math.min(best, performance.now() - begin);
  }
  sum.periods += new DataView(updates.buffer, updates.byteOffset).getUint16(1, true);
  sum.bytes += updates.length;
  sum.ms += best;
}
console.log(JSON.stringify(sum));
