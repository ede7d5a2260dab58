// Lets Lodestar's light client judge a beacon node: bootstrap, every period's update, finality and optimistic update.
// Then tampers with each, and Lodestar must refuse it. BLS signatures are really verified.
//
// Usage: LODESTAR_PRESET=minimal node lodestar_accepts.mjs http://127.0.0.1:5052
// Exit status: 0 if all was judged as it should be, 1 otherwise.

import { createBeaconConfig, chainConfigFromJson } from "@lodestar/config";
import { LightclientSpec } from "@lodestar/light-client/spec";
import { validateLightClientBootstrap } from "./node_modules/@lodestar/light-client/lib/spec/validateLightClientBootstrap.js";
import { ssz } from "@lodestar/types";
import { fromHex } from "@lodestar/utils";

const SYNC_COMMITTEE_PERIOD_SLOTS = 64; // minimal preset: 8 slots × 8 epochs
const url = process.argv[2];
if (!url || process.env.LODESTAR_PRESET !== "minimal") {
  console.error("usage: LODESTAR_PRESET=minimal node lodestar_accepts.mjs <beacon API URL>");
  process.exit(1);
}

async function getJson(path) {
  const response = await fetch(`${url}${path}`);
  if (!response.ok) throw Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function getSsz(path) {
  const response = await fetch(`${url}${path}`, { headers: { accept: "application/octet-stream" } });
  if (!response.ok) throw Error(`${path}: ${response.status} ${await response.text()}`);
  if (response.headers.get("eth-consensus-version") !== "electra") throw Error(`${path}: no consensus version`);
  return new Uint8Array(await response.arrayBuffer());
}

// Cuts [u64 LE length][4-byte fork digest][SSZ].
function unframe(bytes) {
  const parts = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(new DataView(bytes.buffer, bytes.byteOffset + at).getBigUint64(0, true));
    parts.push(bytes.subarray(at + 12, at + 8 + length));
    at += 8 + length;
  }
  return parts;
}

let checks = 0;
function accepts(what, judge) {
  judge();
  checks += 1;
  console.log(`accepted ${what}`);
}
function refuses(what, judge) {
  let reason;
  try {
    judge();
  } catch (error) {
    reason = error.message;
  }
  if (reason === undefined) throw Error(`accepted, though tampered with: ${what}`);
  checks += 1;
  console.log(`refused ${what}: ${reason}`);
}
function same(what, type, a, b) {
  if (!type.equals(a, b)) throw Error(`${what}: JSON and SSZ differ`);
}

// A copy that shares no bytes: the type's own clone() shares them.
const copy = (type, value) => type.deserialize(type.serialize(value));

const spec = (await getJson("/eth/v1/config/spec")).data;
const forkValues = Object.entries(spec).filter(([name]) => /_FORK_(VERSION|EPOCH)$/.test(name));
const config = createBeaconConfig(
  chainConfigFromJson({ PRESET_BASE: "minimal", ...Object.fromEntries(forkValues) }),
  fromHex((await getJson("/eth/v1/beacon/genesis")).data.genesis_validators_root),
);
const types = ssz.electra;
const root = (await getJson("/checkpointz/v1/checkpoint")).root;
const start = process.argv[3] ?? root;

const bootstrapPath = `/eth/v1/beacon/light_client/bootstrap/${start}`;
const bootstrap = types.LightClientBootstrap.fromJson((await getJson(bootstrapPath)).data);
same("bootstrap", types.LightClientBootstrap, bootstrap, types.LightClientBootstrap.deserialize(await getSsz(bootstrapPath)));
accepts(`bootstrap at slot ${bootstrap.header.beacon.slot}`, () => validateLightClientBootstrap(config, fromHex(start), bootstrap));
{
  const tampered = copy(types.LightClientBootstrap, bootstrap);
  tampered.currentSyncCommittee.pubkeys[3][7] ^= 1;
  refuses("bootstrap with a changed committee", () => validateLightClientBootstrap(config, fromHex(start), tampered));
  const other = fromHex(start);
  other[0] ^= 1;
  refuses("bootstrap for another root", () => validateLightClientBootstrap(config, other, bootstrap));
  const execution = copy(types.LightClientBootstrap, bootstrap);
  execution.header.execution.stateRoot[0] ^= 1;
  refuses("bootstrap with a changed execution state root", () => validateLightClientBootstrap(config, fromHex(start), execution));
}

const finality = types.LightClientFinalityUpdate.fromJson((await getJson("/eth/v1/beacon/light_client/finality_update")).data);
const finalitySsz = await getSsz("/eth/v1/beacon/light_client/finality_update");
const optimistic = types.LightClientOptimisticUpdate.fromJson((await getJson("/eth/v1/beacon/light_client/optimistic_update")).data);
const currentSlot = Math.max(finality.signatureSlot, optimistic.signatureSlot);
types.LightClientFinalityUpdate.deserialize(finalitySsz);

const client = new LightclientSpec(config, { allowForcedUpdates: false, updateHeadersOnForcedUpdate: false }, bootstrap);
const tamperers = {
  "signature": (u) => (u.syncAggregate.syncCommitteeSignature[20] ^= 1),
  "attested header": (u) => (u.attestedHeader.beacon.proposerIndex += 1),
  "participation": (u) => u.syncAggregate.syncCommitteeBits.set(0, !u.syncAggregate.syncCommitteeBits.get(0)),
  "finality branch": (u) => (u.finalityBranch[2][0] ^= 1),
  "execution payload": (u) => (u.attestedHeader.execution.blockNumber += 1),
};

const period = (slot) => Math.floor(slot / SYNC_COMMITTEE_PERIOD_SLOTS);
const first = period(bootstrap.header.beacon.slot);
const count = period(currentSlot) - first + 1;
const updatesPath = `/eth/v1/beacon/light_client/updates?start_period=${first}&count=${count}`;
const updates = (await getJson(updatesPath)).map(({ data }) => types.LightClientUpdate.fromJson(data));
const updatesSsz = unframe(await getSsz(updatesPath)).map((bytes) => types.LightClientUpdate.deserialize(bytes));
if (updates.length === 0 || updates.length !== updatesSsz.length) throw Error("no updates, or JSON and SSZ differ in number");
for (const [index, update] of updates.entries()) {
  same(`update ${index}`, types.LightClientUpdate, update, updatesSsz[index]);
  if (period(update.attestedHeader.beacon.slot) !== first + index) throw Error(`gap before update ${index}`);
  for (const [name, tamper] of Object.entries({ ...tamperers, "next sync committee": (u) => (u.nextSyncCommittee.pubkeys[1][5] ^= 1) })) {
    const tampered = copy(types.LightClientUpdate, update);
    tamper(tampered);
    if (name === "finality branch" && update.finalizedHeader.beacon.slot === 0) continue;
    refuses(`update of period ${first + index} with a changed ${name}`, () => client.onUpdate(currentSlot, tampered));
  }
  accepts(`update of period ${first + index}`, () => client.onUpdate(currentSlot, update));
}

for (const [name, tamper] of Object.entries(tamperers)) {
  const tampered = copy(types.LightClientFinalityUpdate, finality);
  tamper(tampered);
  refuses(`finality update with a changed ${name}`, () => client.onFinalityUpdate(currentSlot, tampered));
}
accepts("finality update", () => client.onFinalityUpdate(currentSlot, finality));
accepts("optimistic update", () => client.onOptimisticUpdate(currentSlot, optimistic));
if (client.store.finalizedHeader.beacon.slot !== finality.finalizedHeader.beacon.slot) {
  throw Error(`finalized slot: got ${client.store.finalizedHeader.beacon.slot}, expected ${finality.finalizedHeader.beacon.slot}`);
}
console.log(`${checks} judgements as they should be; finalized slot ${client.store.finalizedHeader.beacon.slot}`);
