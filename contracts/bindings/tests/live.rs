//! What `eth_getProof` of a running chain has at the slots of the committed layouts is what the
//! contracts' own getters say, member for member.
//!
//! Needs `forge build` and the programs of `contracts/package.json`; says so and passes where they are
//! not there.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

mod chain;

use std::process::Command;

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use heliotrope_checks::data_transfer;
use heliotrope_contracts::{
    burned_by_slot, check_id, check_version_slots, claimed_slot, layout, mapping,
    reward::RewardLeaf, reward_stream, seal_slots, settlement_slots,
};
use heliotrope_device_proofs::{
    data_transfer::{DataTransferBundle, DataTransferParams, PROFILE_TWO_SIDED_1},
    merkle::{self, RewardTree, leaf_hash},
    sha256,
};

use chain::{Chain, OWNER, tool};

const WINDOW_S: &str = "100";
const LANE: u64 = 15;

/// The contracts of a small deployment.
struct World {
    chain: Chain,
    manager: String,
    check: B256,
    devices: Address,
    checks: Address,
    ledger: Address,
    device: B256,
}

impl World {
    fn new(chain: Chain) -> Self {
        let manager = chain.deploy("AccessManager", "constructor(address)", &[OWNER]).to_string();
        let devices = chain.deploy("DeviceRegistry", "constructor(address)", &[&manager]);
        let checks =
            chain.deploy("CheckRegistry", "constructor(address,uint64)", &[&manager, "3600"]);
        let ledger = chain.deploy(
            "SettlementLedger",
            "constructor(address,address,uint256,uint64)",
            &[&manager, &checks.to_string(), "1000000000000000000", WINDOW_S],
        );
        let check = check_id("coverage-radio");
        let key = [&[1_u8][..], &[7; 32]].concat();
        Self { chain, manager, check, devices, checks, ledger, device: keccak256(key) }
    }

    fn roots(&self, verdict: B256, reward: B256) -> (String, String) {
        let number = self.chain.cast(&["block-number"]);
        let anchor = self.chain.cast(&["block", &number, "--field", "hash"]);
        let other = B256::repeat_byte(3);
        (format!("({other},{verdict},{other},{reward},{other},{anchor})"), number)
    }

    fn propose(&self, epoch: &str, verdict: B256, reward: B256) -> String {
        let (roots, number) = self.roots(verdict, reward);
        self.chain.send(
            self.ledger,
            "1ether",
            "propose(bytes32,uint256,uint256,uint256,(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32))",
            &[&self.check.to_string(), &LANE.to_string(), epoch, &number, &roots],
        );
        roots
    }

    fn finalize(&self, epoch: &str, roots: &str) {
        self.chain.pass("200");
        self.chain.send(
            self.ledger,
            "0",
            "finalize(bytes32,uint256,uint256,uint256,(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32))",
            &[&self.check.to_string(), &LANE.to_string(), epoch, "1", roots],
        );
    }

    fn registries(&self) {
        let chain = &self.chain;
        let key = format!("0x01{}", hex::encode([7; 32]));
        let meta = B256::repeat_byte(9);
        chain.send(self.devices, "0", "setTerms(uint40,uint32)", &["1000000000", "0"]);
        let registration =
            format!("({key},{OWNER},{},-12,37,1,{meta},99999999999,0x)", 0x08c1_fb46_741a_e9ff_u64);
        let register = "register((bytes,address,uint64,int16,int16,uint8,bytes32,uint256,bytes))";
        chain.send(self.devices, "1ether", register, &[&registration]);
        let id = self.device.to_string();
        chain.send(self.devices, "0", "setMaintainer(bytes32,address)", &[&id, OWNER]);
        let getter = "device(bytes32)((address,uint40,uint8,uint8,uint40,uint64,int16,int16,uint8,\
                      uint8,uint40,bytes32,address,uint64))";
        let got = chain.get(self.devices, getter, &[&id]);
        let first = mapping(self.device, layout::DEVICE_REGISTRY_DEVICES);
        chain.same("DeviceRegistry", self.devices, "Device", first, &got);

        let (check, module) = (self.check.to_string(), B256::repeat_byte(3).to_string());
        let pin = "pin(bytes32,bytes32,bytes32,uint16,uint64)";
        chain.send(self.checks, "0", pin, &[&check, &module, &id, "1", "5"]);
        let getter = "versionOf(bytes32,uint256)((bytes32,bytes32,uint64,uint16))";
        let got = chain.get(self.checks, getter, &[&check, "1"]);
        let [first, ..] = check_version_slots(self.check, 1);
        chain.same("CheckRegistry", self.checks, "Version", first, &got);
        let count = mapping(self.check, layout::CHECK_REGISTRY_COUNTS);
        let got = chain.get(self.checks, "count(bytes32)(uint256)", &[&check]);
        assert_eq!(vec![chain.word(self.checks, count)], got);
    }

    fn settlements(&self) {
        let (chain, check) = (&self.chain, self.check.to_string());
        let roots = self.propose("3", B256::repeat_byte(1), B256::ZERO);
        let same = |epoch: u64| {
            let getter =
                "settlement(bytes32,uint256,uint256)((bytes32,address,uint64,uint8,uint16,bool))";
            let got =
                chain.get(self.ledger, getter, &[&check, &LANE.to_string(), &epoch.to_string()]);
            let [first, _] = settlement_slots(self.check, LANE, epoch);
            chain.same("SettlementLedger", self.ledger, "Settlement", first, &got);
        };
        same(3);
        self.finalize("3", &roots);
        chain.send(
            self.ledger,
            "0",
            "reclaim(bytes32,uint256,uint256)",
            &[&check, &LANE.to_string(), "3"],
        );
        same(3);
        let lanes = (1_u128 << LANE).to_string();
        let seal = "sealEpoch(bytes32,uint256,uint128)";
        chain.send(self.ledger, "0", seal, &[&check, "3", &lanes]);
        let getter = "sealOf(bytes32,uint256)((bytes32,uint128,uint64))";
        let got = chain.get(self.ledger, getter, &[&check, "3"]);
        let [first, _] = seal_slots(self.check, 3);
        chain.same("SettlementLedger", self.ledger, "Seal", first, &got);
        let owner: Address = OWNER.parse().unwrap();
        let due = mapping(owner.into_word(), layout::SETTLEMENT_LEDGER_WITHDRAWABLE);
        let got = chain.get(self.ledger, "withdrawableOf(address)(uint256)", &[OWNER]);
        assert_eq!(vec![chain.word(self.ledger, due)], got);
    }

    fn disputes(&self) {
        let (chain, ledger) = (&self.chain, self.ledger.to_string());
        let quorum = chain.deploy(
            "GatewayQuorum",
            "constructor(address,uint256,uint256)",
            &[&self.manager, "1000000000000000000", "1"],
        );
        chain.send(quorum, "1ether", "join()", &[]);
        let getter = "gateway(address)((uint64,uint64,uint64))";
        let got = chain.get(quorum, getter, &[OWNER]);
        let owner: Address = OWNER.parse().unwrap();
        let first = mapping(owner.into_word(), layout::GATEWAY_QUORUM_GATEWAYS);
        chain.same("GatewayQuorum", quorum, "Gateway", first, &got);

        let constructor = "constructor(address,address,address,uint256)";
        let arguments = [&*self.manager, &ledger, &quorum.to_string(), "1000"];
        let game = chain.deploy("DisputeGame", constructor, &arguments);
        chain.send(self.ledger, "0", "setDisputeGame(address)", &[&game.to_string()]);
        let (bundle_hash, output) = (B256::repeat_byte(6), b"an output");
        let verdict = merkle::root(&[leaf_hash(&[bundle_hash.as_slice(), output].concat())]);
        let roots = self.propose("4", verdict.into(), B256::ZERO);
        let claim = format!("({},{LANE},4,{roots})", self.check);
        let leaf = format!("(0,1,{bundle_hash},0x{},[])", hex::encode(output));
        let encode = ["abi-encode", "f((uint256,uint256,bytes32,bytes,bytes32[]))", &leaf];
        let encoded = Command::new(tool(&chain.root, "cast")).args(encode).output().unwrap().stdout;
        let proof_hash =
            keccak256(hex::decode(String::from_utf8(encoded).unwrap().trim()).unwrap());
        let [entry, _] = settlement_slots(self.check, LANE, 4);
        let commitment = B256::from(chain.word(self.ledger, entry)).to_string();
        let key = [self.check, U256::from(LANE).into(), U256::from(4).into()].concat();
        let (key, salt) = (keccak256(key).to_string(), B256::repeat_byte(8).to_string());
        let seal = "sealHash(address,bytes32,bytes32,uint8,bytes32,bytes32)(bytes32)";
        let arguments = [OWNER, &key, &commitment, "255", &proof_hash.to_string(), &salt];
        let id = B256::from(chain.get(game, seal, &arguments)[0]);
        chain.send(game, "1000", "seal(bytes32)", &[&id.to_string()]);
        let got =
            chain.get(game, "sealedAs(bytes32)((address,uint40,uint40,uint8))", &[&id.to_string()]);
        chain.same("DisputeGame", game, "Sealed", mapping(id, layout::DISPUTE_GAME_SEALS), &got);
        let ask = "ask((bytes32,uint256,uint256,(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32)),\
                   (uint256,uint256,bytes32,bytes,bytes32[]),bytes32)";
        chain.send(game, "0", ask, &[&claim, &leaf, &salt]);
        let getter = "dispute(bytes32)((bytes32,bytes32,bytes32,bytes32,address,uint64,uint32,\
                      address,uint64,uint8))";
        let got = chain.get(game, getter, &[&id.to_string()]);
        assert_eq!(B256::from(got[2]), B256::from(sha256(output)));
        let first = mapping(id, layout::DISPUTE_GAME_DISPUTES);
        chain.same("DisputeGame", game, "Dispute", first, &got);
    }

    fn rewards(&self) {
        let chain = &self.chain;
        let schedule = chain.deploy("RewardSchedule", "constructor(address)", &[&self.manager]);
        let check = self.check.to_string();
        chain.send(
            schedule,
            "0",
            "append(bytes32,uint64,uint128,uint128)",
            &[&check, "2", "5", "7"],
        );
        let getter = "rateOf(bytes32,uint256)((uint128,uint128,uint64))";
        let got = chain.get(schedule, getter, &[&check, "1"]);
        let inner = mapping(self.check, layout::REWARD_SCHEDULE_RATES);
        let first = keccak256([U256::ONE.to_be_bytes::<32>(), inner.0].concat());
        chain.same("RewardSchedule", schedule, "Rate", first, &got);

        let nobody = Address::ZERO.to_string();
        let constructor = "constructor(address,address)";
        let token = chain.deploy("ServiceToken", constructor, &[&self.manager, &nobody]);
        let constructor = "constructor(address,address,address)";
        let arguments = [&*self.manager, &token.to_string(), &self.ledger.to_string()];
        let distributor = chain.deploy("RewardDistributor", constructor, &arguments);
        chain.send(token, "0", "mint(address,uint256)", &[&distributor.to_string(), "1000000"]);
        let leaf = RewardLeaf {
            account: OWNER.parse().unwrap(),
            previous: 0,
            score_ppm: 1_000_000,
            cumulative: 777,
        };
        let other = RewardLeaf { account: Address::repeat_byte(7), ..leaf };
        let tree = RewardTree::new(vec![other.hash().0, leaf.hash().0]);
        let roots = self.propose("5", B256::repeat_byte(1), tree.root().into());
        self.finalize("5", &roots);
        let accept =
            "accept(bytes32,uint256,uint64,(bytes32,bytes32,bytes32,bytes32,bytes32,bytes32))";
        chain.send(distributor, "0", accept, &[&check, &LANE.to_string(), "5", &roots]);
        let stream = reward_stream(self.check, LANE);
        let name = stream.to_string();
        let got = chain.get(distributor, "streamAt(bytes32)((bytes32,uint64))", &[&name]);
        let first = mapping(stream, layout::REWARD_DISTRIBUTOR_STREAMS);
        chain.same("RewardDistributor", distributor, "Stream", first, &got);
        let proof = hex::encode_prefixed(leaf.claim_proof(1, 2, &tree.path(1)));
        chain.send(distributor, "0", "claim(bytes32,bytes)", &[&name, &proof]);
        let word = chain.word(distributor, claimed_slot(stream, leaf.account));
        assert_eq!(word, U256::from(777));
        self.credits(token);
    }

    fn credits(&self, token: Address) {
        let chain = &self.chain;
        let constructor = "constructor(address,uint96,uint96)";
        let feed = chain.deploy("PriceFeed", constructor, &[&self.manager, "1", "9000000"]);
        chain.send(feed, "0", "publish(uint96,uint96)", &["2000000", "5"]);
        let got = chain.get(feed, "latest()(uint96,uint96,uint64)", &[]);
        let first = U256::from(layout::PRICE_FEED_CURRENT).into();
        chain.same("PriceFeed", feed, "Price", first, &got);

        let constructor = "constructor(address,address,address)";
        let arguments = [&*self.manager, &token.to_string(), &feed.to_string()];
        let credits = chain.deploy("ServiceCredits", constructor, &arguments);
        chain.send(token, "0", "mint(address,uint256)", &[OWNER, "1000000000000000000"]);
        chain.send(
            token,
            "0",
            "approve(address,uint256)",
            &[&credits.to_string(), "1000000000000000000"],
        );
        let mint = "mint(address,uint256,uint256)";
        chain.send(credits, "0", mint, &[OWNER, "1000000000000000000", "0"]);
        let check = self.check.to_string();
        chain.send(credits, "0", "spend(bytes32,uint256)", &[&check, "17"]);
        let epoch = chain.get(credits, "currentEpoch()(uint64)", &[])[0];
        for of in [self.check, B256::ZERO] {
            let getter = "burnedIn(bytes32,uint64)((uint128,uint128))";
            let got = chain.get(credits, getter, &[&of.to_string(), &epoch.to_string()]);
            let first = heliotrope_contracts::burned_slot(of, epoch.to());
            chain.same("ServiceCredits", credits, "Burned", first, &got);
        }
        let owner: Address = OWNER.parse().unwrap();
        let balance = mapping(owner.into_word(), layout::SERVICE_CREDITS_BALANCES);
        let got = chain.get(credits, "balanceOf(address)(uint256)", &[OWNER]);
        assert_eq!(vec![chain.word(credits, balance)], got);
        assert_eq!(got, vec![U256::from(199_982)]);
        self.payers(credits);
    }

    /// The word that rule D8 of `data-transfer` asks for is the one that the contract writes.
    fn payers(&self, credits: Address) {
        let (chain, payer) = (&self.chain, b"a payer's key");
        let id = keccak256(payer);
        let (check, name) = (self.check.to_string(), id.to_string());
        chain.send(credits, "0", "spendFor(bytes32,bytes32,uint256)", &[&check, &name, "23"]);
        let epoch: u64 = chain.get(credits, "currentEpoch()(uint64)", &[])[0].to();
        let params = DataTransferParams {
            profile: PROFILE_TWO_SIDED_1.into(),
            device_registry: self.devices.into_array(),
            credits: credits.into_array(),
            burned_slot: layout::SERVICE_CREDITS_BURNED_BY,
            chain_id: 31_337,
            network: 0,
            routing_keys: Vec::new(),
            epoch_s: chain.get(credits, "EPOCH()(uint64)", &[])[0].to(),
            bytes_per_dc: 20_000,
        };
        let bundle = DataTransferBundle { payer: payer.to_vec(), epoch, sessions: Vec::new() };
        let plan = data_transfer::plan(&bundle.encode(), &params.encode()).unwrap();
        let asked: Vec<_> = plan.0.iter().map(|query| (query.address, query.key)).collect();
        let slot = burned_by_slot(id, epoch);
        assert_eq!(asked, [(params.credits, slot.0)]);
        assert_eq!(chain.word(credits, slot), U256::from(23));
        let getter = "burnedFor(bytes32,uint64)(uint256)";
        let got = chain.get(credits, getter, &[&name, &epoch.to_string()]);
        assert_eq!(got, vec![U256::from(23)]);
    }

    fn service(&self) {
        let chain = &self.chain;
        let (check, ledger) = (self.check.to_string(), self.ledger.to_string());
        let (devices, id) = (self.devices.to_string(), self.device.to_string());
        let constructor = "constructor(address,bytes32,address,address,uint64)";
        let arguments = [&*self.manager, &check, &ledger, &devices, "1000000000"];
        let level = chain.deploy("ServiceLevel", constructor, &arguments);
        chain.send(level, "2ether", "pledge(bytes32,uint32,bytes32)", &[&id, "3600", &check]);
        let getter = "promised(bytes32)((uint64,uint32,uint64,uint8,uint8,uint64,address,uint64,\
                      uint64,uint64,bytes32))";
        let same = || {
            let got = chain.get(level, getter, &[&id]);
            let first = mapping(self.device, layout::SERVICE_LEVEL_PROMISES);
            chain.same("ServiceLevel", level, "Promise", first, &got);
        };
        same();
        chain.pass("180000");
        chain.send(level, "0", "declareSilent(bytes32)", &[&id]);
        chain.pass("180000");
        chain.send(level, "0", "take(bytes32)", &[&id]);
        same();

        let constructor = "constructor(bytes32,address,address)";
        let escrow = chain.deploy("HexEscrow", constructor, &[&check, &ledger, &devices]);
        let now: u64 = chain.cast(&["block", "latest", "--field", "timestamp"]).parse().unwrap();
        let (hex_, deadline) = (0x0881_fb46_741f_ffff_u64.to_string(), (now + 90_000).to_string());
        let salt = B256::repeat_byte(2);
        let fund = "fund(uint64,uint32,uint64,bytes32)";
        chain.send(escrow, "3ether", fund, &[&hex_, "4", &deadline, &salt.to_string()]);
        let owner: Address = OWNER.parse().unwrap();
        let words = [owner.into_word(), U256::from(0x0881_fb46_741f_ffff_u64).into(), salt];
        let id = keccak256(words.concat());
        let getter = "escrow(bytes32)((address,uint64,uint32,uint64,uint64,uint96,uint8))";
        let got = chain.get(escrow, getter, &[&id.to_string()]);
        let first = mapping(id, layout::HEX_ESCROW_ESCROWS);
        chain.same("HexEscrow", escrow, "Escrow", first, &got);

        // progress needs a final heartbeat; here the word is written, and the getter reads it
        let device = B256::repeat_byte(3);
        let inner = mapping(id, layout::HEX_ESCROW_PROGRESS);
        let first = keccak256([device, inner].concat());
        chain.put(escrow, first, U256::from((5_u128 << 32) | 2));
        let getter = "progressOf(bytes32,bytes32)((uint32,uint64))";
        let got = chain.get(escrow, getter, &[&id.to_string(), &device.to_string()]);
        assert_eq!(got, [U256::from(2), U256::from(5)]);
        chain.same("HexEscrow", escrow, "Progress", first, &got);
    }
}

#[test]
fn a_chain_proves_what_the_getters_say() {
    let Some(chain) = Chain::start("osaka") else {
        eprintln!("skipped: no anvil or no artefacts, see contracts/README.md");
        return;
    };
    let world = World::new(chain);
    world.registries();
    world.settlements();
    world.disputes();
    world.rewards();
    world.service();
}
