// Helios (wasm, npm) from a checkpoint to synced. In Node and in a page.

import { createHeliosProvider } from "@a16z/helios";

export const load = (url, checkpoint) => createHeliosProvider({
  executionRpc: url, consensusRpc: url, checkpoint, network: "mainnet", dbType: "config",
}, "ethereum");

export const sync = (provider) => provider.waitSynced();
