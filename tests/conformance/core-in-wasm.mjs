// Follows compact data with the sync core, in Node:
//   node core-in-wasm.mjs SYNC_CORE_WASM FOLDER
// Prints the finalized slot, which must be the one that `heliotrope sync` comes to. Before that, the core has to refuse
// the same data with a flipped bit in the root, the bootstrap and the updates.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Core, append, empty } from "../bench/core.mjs";

const [wasm, folder] = process.argv.slice(2);
const read = (name) => new Uint8Array(readFileSync(join(folder, name)));
const [root, bootstrap, updates, finality] = ["root", "bootstrap", "updates", "finality"].map(read);
const slot = Number.MAX_SAFE_INTEGER;
const core = await Core.load(readFileSync(wasm));

const flipped = (bytes) => {
  const copy = bytes.slice();
  copy[Math.floor(copy.length / 2)] ^= 1;
  return copy;
};
const refuses = (what, use) => {
  try {
    use();
  } catch {
    return;
  }
  throw Error(`accepted with a flipped bit: ${what}`);
};
refuses("root", () => core.start(flipped(root), bootstrap));
refuses("bootstrap", () => core.start(root, flipped(bootstrap)));
core.start(root, bootstrap);
refuses("updates", () => core.apply(flipped(updates), slot));
core.apply(updates, slot);
if (finality.length > 0) core.apply(append(empty, finality), slot);
console.log(`finalized slot ${core.finalized().slot},`);
