// The verifier's thread. Its own wasm, so the map never carries a verifier and never waits for one.
import init, { start_worker } from "./heliotrope-wasm.js";
const early = [];
const hold = (event) => early.push(event.data);
self.addEventListener("message", hold);
try {
  await init({ module_or_path: new URL("./heliotrope-wasm_bg.wasm", import.meta.url) });
  const handle = start_worker();
  self.removeEventListener("message", hold);
  self.addEventListener("message", (event) => handle(event.data));
  for (const data of early) handle(data);
} catch (error) {
  self.postMessage({ type: "failed", message: `the verifier could not start: ${error}`, hint: "Reload the page. The browser must allow WebAssembly." });
}
