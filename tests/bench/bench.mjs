// The table: every figure beside its peers or its limit, from this run. Each measurement is a fresh
// process, peers in turn, and the smallest of several runs counts.
// Usage: node bench.mjs SYNC_CORE_WASM WITH_READS_WASM FOLDER SHORT_RECORDING LONG_RECORDING…; leaves FOLDER/bench.json.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { bundle, measure } from "./browser.mjs";

const [wasm, readsWasm, folder, recording, ...longRecordings] = process.argv.slice(2);
const RUNS = 5;
const brotli = (file) => brotliCompressSync(readFileSync(file), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
}).length;
const node = (...args) => JSON.parse(execFileSync("node", args, { encoding: "utf8" }).trim().split("\n").pop());

const pages = mkdtempSync(join(tmpdir(), "bench-"));
bundle(pages, wasm);
const server = spawn("node", ["beacon-server.mjs", recording, join(folder, "short"), pages], { stdio: ["ignore", "pipe", "inherit"] });
const port = await new Promise((resolve) => server.stdout.once("data", (line) => resolve(String(line).trim())));
const url = `http://127.0.0.1:${port}`;
const root = `0x${readFileSync(join(folder, "short/root")).toString("hex")}`;
const clients = {
  ours: ["ours.mjs", url, root, wasm],
  helios: ["helios.mjs", url, root],
  lodestar: ["lodestar.mjs", url, root],
};

const rows = {};
for (const name of Object.keys(clients)) rows[name] = { cpu_ms: Infinity, cold_cpu_ms: Infinity, chromium_cpu_ms: Infinity };
for (let run = 0; run < RUNS; run += 1) {
  for (const [name, args] of Object.entries(clients)) {
    await (await fetch(`${url}/_sent`)).text();
    const { sync, all } = node(...args);
    const row = rows[name];
    row.cpu_ms = Math.min(row.cpu_ms, sync.cpu_ms);
    row.cold_cpu_ms = Math.min(row.cold_cpu_ms, all.cpu_ms);
    row.bytes = Number(await (await fetch(`${url}/_sent`)).text());
  }
}
const nothing = { cold_cpu_ms: Infinity, chromium_cpu_ms: Infinity };
for (let run = 0; run < RUNS; run += 1) {
  nothing.cold_cpu_ms = Math.min(nothing.cold_cpu_ms, node("nothing.mjs", url).all.cpu_ms);
  for (const [name, row] of Object.entries({ ...rows, nothing })) {
    row.chromium_cpu_ms = Math.min(row.chromium_cpu_ms, await measure(name, url, root));
  }
}
server.kill();
rmSync(pages, { recursive: true });

// What each fetches when the head changes. Helios: both updates and the block that the newer one attests to.
const size = (path) => statSync(path).size;
const updates = ["finality.json", "optimistic.json"].reduce((sum, name) => sum + size(join(recording, name)), 0);
const { data: { attested_header: { beacon: { slot } } } } = JSON.parse(readFileSync(join(recording, "optimistic.json")));
rows.ours.head_bytes = size(join(folder, "short/finality"));
rows.helios.head_bytes = updates + size(join(recording, `blocks/${slot}.json`));
rows.lodestar.head_bytes = updates;

rows.ours.brotli = brotli(wasm);
rows.helios.brotli = brotli("node_modules/@a16z/helios/dist/lib.mjs");
rows.lodestar.brotli = brotli("node_modules/@lodestar/light-client/dist/lightclient.min.mjs");
const long = node("periods.mjs", wasm, ...longRecordings.map((_, at) => join(folder, `long-${at + 1}`)));
// the same updates as the Beacon API sends them, with all keys
const full = longRecordings
  .flatMap((from) => readdirSync(from).filter((name) => name.includes("updates")).map((name) => join(from, name)))
  .reduce((sum, file) => sum + size(file), 0);

const text = (value, unit) => `${value < 100 ? value.toFixed(1) : Math.round(value)} ${unit}`.padStart(14);
const line = (what, key, unit, scale = 1) => {
  const cells = Object.values(rows).map((row) => text(row[key] / scale, unit));
  const ratios = ["helios", "lodestar"].map((peer) => `${(rows[peer][key] / rows.ours[key]).toFixed(1)}×`.padStart(9));
  console.log(what.padEnd(44), ...cells, ...ratios);
};
console.log("".padEnd(44), ...["heliotrope", "helios", "lodestar"].map((name) => name.padStart(14)), "helios/us".padStart(9), "lodest/us".padStart(9));
line("download of the code, brotli", "brotli", "kB", 1000);
line("bootstrap, 6 periods, finality: CPU", "cpu_ms", "ms");
line("the same with loading the code", "cold_cpu_ms", "ms");
line("the same in Chromium, with loading", "chromium_cpu_ms", "ms");
line("the same: bytes received", "bytes", "kB", 1000);
line("one change of the head: bytes received", "head_bytes", "kB", 1000);
console.log(`three fetches and nothing else: ${nothing.cold_cpu_ms.toFixed(1)} ms in Node (ours asks by node:http), ${nothing.chromium_cpu_ms.toFixed(1)} ms in Chromium`);
rows.ours.reads_brotli = brotli(readsWasm);
console.log(`the code with account, storage, receipt and log proofs: ${text(rows.ours.reads_brotli / 1000, "kB").trim()}`);
console.log(`${long.periods} real periods, one batch a recording, warm: ${(long.ms / long.periods).toFixed(2)} ms and ${Math.round(long.bytes / long.periods)} bytes a period (with all keys ${Math.round(full / long.periods)}: ${(full / long.bytes).toFixed(1)}×)`);
writeFileSync(join(folder, "bench.json"), `${JSON.stringify({ clients: rows, nothing, long }, null, 2)}\n`);
