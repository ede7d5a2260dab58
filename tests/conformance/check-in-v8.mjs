// Runs a check module on inputs, one instance each, as a browser does.
// node check-in-v8.mjs MODULE INPUTS: inputs are lines of hex, so are the outputs on stdout; `refused` is one, too.
import { readFileSync } from "node:fs";

const [, , modulePath, inputsPath] = process.argv;
const module = new WebAssembly.Module(readFileSync(modulePath));
if (WebAssembly.Module.imports(module).length !== 0) throw new Error("the module has imports");

function check(input) {
  const { memory, hc_alloc, hc_check } = new WebAssembly.Instance(module).exports;
  const at = hc_alloc(input.length) >>> 0;
  new Uint8Array(memory.buffer).set(input, at);
  const result = BigInt.asUintN(64, hc_check(at, input.length));
  if (result === 0n) return "refused";
  const [ptr, len] = [Number(result >> 32n), Number(result & 0xffffffffn)];
  return Buffer.from(memory.buffer.slice(ptr, ptr + len)).toString("hex");
}

const started = performance.now();
const lines = readFileSync(inputsPath, "utf8").split("\n");
const outputs = lines.map((line) => check(Buffer.from(line, "hex")));
const seconds = (performance.now() - started) / 1000;
console.error(`V8: ${lines.length} checks, ${(lines.length / seconds).toFixed(0)} a second`);
process.stdout.write(`${outputs.join("\n")}\n`);
