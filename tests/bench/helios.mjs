// Helios (wasm, npm) from checkpoint to synced, once, cold. Usage: node helios.mjs URL ROOT

import { createHeliosProvider } from "@a16z/helios";
import { report } from "./report.mjs";

const [url, checkpoint] = process.argv.slice(2);
const cold = report();
const provider = await createHeliosProvider({
  executionRpc: url, consensusRpc: url, checkpoint, network: "mainnet", dbType: "config",
}, "ethereum");
const started = report();
await provider.waitSynced();
console.log(JSON.stringify({ sync: started.since(), all: cold.since() }));
process.exit(0);
