// Verifies recorded mainnet files with the wasm build of the light client, in Node:
//   node sync-in-wasm.mjs WASM_PACKAGE FOLDER
// Prints the line that `heliotrope sync --recorded FOLDER` ends with; it must be the same.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [wasmPackage, folder] = process.argv.slice(2).map((path) => resolve(path));
const { sync_recorded } = createRequire(import.meta.url)(join(wasmPackage, "heliotrope-wasm.js"));
const files = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => [entry.name, new Uint8Array(readFileSync(join(folder, entry.name)))]);
console.log(sync_recorded(files, undefined));
