// Our sync core over compact sync: from a checkpoint to the newest finality update. In Node and in a page.

import { Core, append } from "../core.mjs";

export const load = (wasm) => Core.load(wasm);

export async function sync(core, url, root) {
  const get = async (name) => {
    const response = await fetch(`${url}/compact/${name}`);
    if (!response.ok) throw Error(`${name}: HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
  const [bootstrap, updates, finality] = await Promise.all(["bootstrap", "updates", "finality"].map(get));
  const digits = root.slice(2).match(/../g);
  core.start(Uint8Array.from(digits, (pair) => parseInt(pair, 16)), bootstrap);
  core.apply(append(updates, finality), Number.MAX_SAFE_INTEGER);
  return core.finalized().slot;
}
