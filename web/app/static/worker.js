// The verifier's thread. Its own wasm, so the map never carries a verifier and never waits for one.
import init, { start_worker } from "./heliotrope-wasm.js";
// The EVM is a wasm of its own, fetched with the first call.
let chunk;
const evm = {
  load: () => (chunk ??= import("./heliotrope-evm.js").then(async (module) => {
    await module.default({ module_or_path: new URL("./heliotrope-evm_bg.wasm", import.meta.url) });
    return {
      block: (...fields) => new module.ProvenCalls(...fields),
      message: (...fields) => new module.Message(...fields),
    };
  }).catch((error) => {
    chunk = undefined; // the next call tries again
    throw error;
  })),
};
const early = [];
const hold = (event) => early.push(event.data);
self.addEventListener("message", hold);
try {
  await init({ module_or_path: new URL("./heliotrope-wasm_bg.wasm", import.meta.url) });
  const handle = start_worker(evm);
  self.removeEventListener("message", hold);
  self.addEventListener("message", (event) => handle(event.data));
  for (const data of early) handle(data);
} catch (error) {
  self.postMessage({ type: "failed", message: `the verifier could not start: ${error}`, hint: "Reload the page. The browser must allow WebAssembly." });
}
