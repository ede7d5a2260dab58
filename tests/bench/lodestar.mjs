// Lodestar's light client with the BLS that a browser gets (herumi), from checkpoint to the newest
// finality update, once, cold. Usage: node lodestar.mjs URL ROOT

import { register } from "node:module";
import { report } from "./report.mjs";

// Node would pick a native library; a browser cannot.
register("data:text/javascript," + encodeURIComponent(`
  export async function resolve(specifier, context, next) {
    return next(specifier === "@chainsafe/bls" ? "@chainsafe/bls/herumi" : specifier, context);
  }
`));

const [url, root] = process.argv.slice(2);
const cold = report();
const { LightclientSpec } = await import("@lodestar/light-client/spec");
const { createBeaconConfig } = await import("@lodestar/config");
const { mainnetChainConfig } = await import("@lodestar/config/networks");
const { ssz } = await import("@lodestar/types");
const { fromHex } = await import("@lodestar/utils");
const { validateLightClientBootstrap } = await import("./node_modules/@lodestar/light-client/lib/spec/validateLightClientBootstrap.js");

const MAINNET = fromHex("0x4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95");
const SLOTS_PER_PERIOD = 8192;
const get = async (path) => (await fetch(`${url}/eth/v1/beacon/light_client/${path}`)).json();

const started = report();
const config = createBeaconConfig(mainnetChainConfig, MAINNET);
const types = ssz.capella;
const bootstrap = types.LightClientBootstrap.fromJson((await get(`bootstrap/${root}`)).data);
validateLightClientBootstrap(config, fromHex(root), bootstrap);
const client = new LightclientSpec(config, { allowForcedUpdates: false, updateHeadersOnForcedUpdate: false }, bootstrap);
const finality = types.LightClientFinalityUpdate.fromJson((await get("finality_update")).data);
const first = Math.floor(bootstrap.header.beacon.slot / SLOTS_PER_PERIOD);
const last = Math.floor(finality.signatureSlot / SLOTS_PER_PERIOD);
for (const { data } of await get(`updates?start_period=${first}&count=${last - first + 1}`)) {
  client.onUpdate(finality.signatureSlot, types.LightClientUpdate.fromJson(data));
}
client.onFinalityUpdate(finality.signatureSlot, finality);
if (client.store.finalizedHeader.beacon.slot !== finality.finalizedHeader.beacon.slot) throw Error("not synced");
console.log(JSON.stringify({ sync: started.since(), all: cold.since() }));
process.exit(0);
