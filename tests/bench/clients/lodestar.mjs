// Lodestar's light client from a checkpoint to the newest finality update. In Node and, bundled, in a page.

import { LightclientSpec } from "@lodestar/light-client/spec";
import { createBeaconConfig } from "@lodestar/config";
import { mainnetChainConfig } from "@lodestar/config/networks";
import { ssz } from "@lodestar/types";
import { fromHex } from "@lodestar/utils";
import { validateLightClientBootstrap } from "../node_modules/@lodestar/light-client/lib/spec/validateLightClientBootstrap.js";

const MAINNET = fromHex("0x4b363db94e286120d76eb905340fdd4e54bfe9f06bf33ff6cf5ad27f511bfe95");
const SLOTS_PER_PERIOD = 8192;

export async function sync(url, root) {
  const get = async (path) => (await fetch(`${url}/eth/v1/beacon/light_client/${path}`)).json();
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
  const slot = client.store.finalizedHeader.beacon.slot;
  if (slot !== finality.finalizedHeader.beacon.slot) throw Error("not synced");
  return slot;
}
