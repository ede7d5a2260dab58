// Our sync core over compact sync: from a checkpoint to the newest finality update. In Node and in a page.

import { Core, append } from "../core.mjs";

export const load = (wasm) => Core.load(wasm);

const fetched = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw Error(`${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

export async function sync(core, url, root, get = fetched) {
  const names = ["bootstrap", "updates", "finality"];
  const [bootstrap, updates, finality] = await Promise.all(names.map((name) => get(`${url}/compact/${name}`)));
  const digits = root.slice(2).match(/../g);
  core.start(Uint8Array.from(digits, (pair) => parseInt(pair, 16)), bootstrap);
  core.apply(append(updates, finality), Number.MAX_SAFE_INTEGER);
  return core.finalized().slot;
}
