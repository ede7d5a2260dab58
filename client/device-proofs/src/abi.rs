//! What goes into and comes out of a check module (check ABI v1), as deterministic CBOR.
//!
//! A module exports `hc_plan(evidence, params) -> Plan` and `hc_check(CheckInput) -> CheckOutput`.
//! Input and output are values of bytes only: who runs the module, and when, is not in them.

use crate::bundle::MAX_BUNDLE_LEN;
use crate::cbor::{CborError, Decoder, Encoder, canonical, strictly_ascending};
use crate::{Address, Bytes32, sha256};

/// Version of the ABI.
pub const ABI_VERSION: u64 = 1;
/// Most facts in an input or queries in a plan.
pub const MAX_FACTS: usize = 1024;
/// Largest parameters in bytes.
pub const MAX_PARAMS_LEN: usize = 64 * 1024;
/// Most rule outcomes in an output.
pub const MAX_OUTCOMES: usize = 8192;
/// Score of a full check, in millionths.
pub const FULL_SCORE_PPM: u32 = 1_000_000;

/// A chain storage word, already proven by the light client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Number of the block whose state root proved it.
    pub block: u64,
    /// Account whose storage it is.
    pub address: Address,
    /// Storage key.
    pub key: Bytes32,
    /// The word, big endian; zero if proven absent.
    pub value: Bytes32,
}

/// A storage word a check needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanQuery {
    /// Account whose storage it is.
    pub address: Address,
    /// Storage key.
    pub key: Bytes32,
}

/// All the words a check needs, strictly ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan(pub Vec<PlanQuery>);

/// Input of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckInput {
    /// SHA-256 of the module.
    pub module_hash: Bytes32,
    /// The evidence bundle, already authenticated.
    pub evidence: Vec<u8>,
    /// Proven facts.
    pub facts: Vec<Fact>,
    /// Parameters, whose hash is pinned.
    pub params: Vec<u8>,
    /// Time of the block that proved the facts, in seconds since 1970: the only clock.
    pub now_s: u64,
}

/// A [`CheckInput`] whose long parts stay in the bytes that it was decoded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckInputRef<'a> {
    /// SHA-256 of the module.
    pub module_hash: Bytes32,
    /// The evidence bundle, already authenticated.
    pub evidence: &'a [u8],
    /// Proven facts.
    pub facts: Vec<Fact>,
    /// Parameters, whose hash is pinned.
    pub params: &'a [u8],
    /// Time of the block that proved the facts, in seconds since 1970: the only clock.
    pub now_s: u64,
}

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Verdict {
    /// Every rule that must hold holds.
    Pass = 0,
    /// A rule is broken.
    Fail = 1,
    /// Something needed is missing.
    Indeterminate = 2,
}

impl Verdict {
    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        match d.uint()? {
            0 => Ok(Self::Pass),
            1 => Ok(Self::Fail),
            2 => Ok(Self::Indeterminate),
            got => Err(CborError::Range { what: "verdict", got, expected: 2 }),
        }
    }

    /// The verdict in a word: `pass`, `fail` or `indeterminate`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// What one rule says about one report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOutcome {
    /// 0 = beacon or bundle, n = witness n − 1 of the bundle or as the check says.
    pub subject: u32,
    /// Number of the rule, see the module's description.
    pub rule_id: u16,
    /// What it says.
    pub verdict: Verdict,
    /// The network's reason number, 0 if the rule holds. An indeterminate outcome with reason 0 is of a rule
    /// that the parameters leave out; no verdict depends on it.
    pub reason: u16,
    /// What was observed, in the rule's unit.
    pub observed: i64,
    /// What the rule allows, in the same unit.
    pub limit: i64,
}

/// Output of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutput {
    /// What the check says.
    pub verdict: Verdict,
    /// What each rule that was evaluated says, in order of evaluation.
    pub outcomes: Vec<RuleOutcome>,
    /// Score in millionths.
    pub score_ppm: u32,
    /// Names what may be counted only once.
    pub replay_key: Bytes32,
    /// Indices of the facts that were read, ascending.
    pub facts_read: Vec<u32>,
    /// SHA-256 of the input.
    pub input_hash: Bytes32,
    /// Witnesses that count (index in the bundle), ascending.
    pub selected: Vec<u32>,
    /// The H3 cell it is about: the beaconer's asserted one (resolution 12) or the area (8); 0 if unknown or none.
    pub subject_cell: u64,
}

/// One rule of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDescription {
    /// Number of the rule.
    pub rule_id: u16,
    /// Its name.
    pub name: String,
    /// The reason it gives when broken.
    pub reason: u16,
}

/// What a module says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Name of the check.
    pub name: String,
    /// Semantic version of the rules.
    pub version: String,
    /// The rules, ascending by number.
    pub rules: Vec<RuleDescription>,
}

canonical!(Fact, PlanQuery, Plan, CheckInput, CheckOutput, Description);

impl Fact {
    fn encode_to(&self, e: &mut Encoder) {
        e.array(5).uint(self.chain_id).uint(self.block);
        e.bytes(&self.address).bytes(&self.key).bytes(&self.value);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("fact fields", 5)?;
        Ok(Self {
            chain_id: d.uint()?,
            block: d.uint()?,
            address: d.fixed("address bytes")?,
            key: d.fixed("key bytes")?,
            value: d.fixed("value bytes")?,
        })
    }
}

impl PlanQuery {
    fn encode_to(&self, e: &mut Encoder) {
        e.array(2).bytes(&self.address).bytes(&self.key);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("query fields", 2)?;
        Ok(Self { address: d.fixed("address bytes")?, key: d.fixed("key bytes")? })
    }
}

impl Plan {
    fn encode_to(&self, e: &mut Encoder) {
        e.array(self.0.len());
        self.0.iter().for_each(|query| query.encode_to(e));
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        let count = d.array("queries", MAX_FACTS)?;
        let queries =
            (0..count).map(|_| PlanQuery::decode_from(d)).collect::<Result<Vec<_>, _>>()?;
        strictly_ascending("query", &queries, Clone::clone)?;
        Ok(Self(queries))
    }
}

impl CheckInput {
    /// SHA-256 of the encoding, which the output repeats.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        sha256(&self.encode())
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(6).uint(0).uint(ABI_VERSION).uint(1).bytes(&self.module_hash);
        e.uint(2).bytes(&self.evidence).uint(3).array(self.facts.len());
        self.facts.iter().for_each(|fact| fact.encode_to(e));
        e.uint(4).bytes(&self.params).uint(5).uint(self.now_s);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        let CheckInputRef { module_hash, evidence, facts, params, now_s } =
            CheckInputRef::decode_from(d)?;
        let (evidence, params) = (evidence.to_vec(), params.to_vec());
        Ok(Self { module_hash, evidence, facts, params, now_s })
    }
}

impl<'a> CheckInputRef<'a> {
    /// Decodes the one encoding of an input.
    ///
    /// # Errors
    /// If the bytes are anything else.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CborError> {
        let mut decoder = Decoder::new(bytes);
        let input = Self::decode_from(&mut decoder)?;
        decoder.finish()?;
        Ok(input)
    }

    fn decode_from(d: &mut Decoder<'a>) -> Result<Self, CborError> {
        d.map("input fields", 6)?;
        d.key(0)?;
        d.exactly("abi version", ABI_VERSION)?;
        d.key(1)?;
        let module_hash = d.fixed("module hash bytes")?;
        d.key(2)?;
        let evidence = d.bytes("evidence bytes", MAX_BUNDLE_LEN)?;
        d.key(3)?;
        let count = d.array("facts", MAX_FACTS)?;
        let mut facts = Vec::with_capacity(count);
        for _ in 0..count {
            facts.push(Fact::decode_from(d)?);
        }
        d.key(4)?;
        let params = d.bytes("params bytes", MAX_PARAMS_LEN)?;
        d.key(5)?;
        let now_s = d.uint()?;
        Ok(Self { module_hash, evidence, facts, params, now_s })
    }
}

impl RuleOutcome {
    fn encode_to(&self, e: &mut Encoder) {
        e.array(6).uint(u64::from(self.subject)).uint(u64::from(self.rule_id));
        e.uint(self.verdict as u64).uint(u64::from(self.reason));
        e.int(self.observed).int(self.limit);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.tuple("outcome fields", 6)?;
        Ok(Self {
            subject: d.small("subject")?,
            rule_id: d.small("rule id")?,
            verdict: Verdict::decode_from(d)?,
            reason: d.small("reason")?,
            observed: d.int()?,
            limit: d.int()?,
        })
    }
}

impl CheckOutput {
    /// The one encoding of this output, in place of what the buffer holds.
    #[must_use]
    pub fn encode_into(&self, buffer: Vec<u8>) -> Vec<u8> {
        let mut encoder = Encoder::over(buffer);
        self.encode_to(&mut encoder);
        encoder.finish()
    }

    fn encode_to(&self, e: &mut Encoder) {
        e.map(9).uint(0).uint(ABI_VERSION).uint(1).uint(self.verdict as u64);
        e.uint(2).array(self.outcomes.len());
        self.outcomes.iter().for_each(|outcome| outcome.encode_to(e));
        e.uint(3).uint(u64::from(self.score_ppm)).uint(4).bytes(&self.replay_key);
        encode_indices(e.uint(5), &self.facts_read);
        e.uint(6).bytes(&self.input_hash);
        encode_indices(e.uint(7), &self.selected);
        e.uint(8).uint(self.subject_cell);
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("output fields", 9)?;
        d.key(0)?;
        d.exactly("abi version", ABI_VERSION)?;
        d.key(1)?;
        let verdict = Verdict::decode_from(d)?;
        d.key(2)?;
        let count = d.array("outcomes", MAX_OUTCOMES)?;
        let outcomes = (0..count).map(|_| RuleOutcome::decode_from(d)).collect::<Result<_, _>>()?;
        d.key(3)?;
        let score_ppm = d.small("score")?;
        d.key(4)?;
        let replay_key = d.fixed("replay key bytes")?;
        d.key(5)?;
        let facts_read = decode_indices(d, "facts read", MAX_FACTS)?;
        d.key(6)?;
        let input_hash = d.fixed("input hash bytes")?;
        d.key(7)?;
        let selected = decode_indices(d, "selected witnesses", MAX_FACTS)?;
        d.key(8)?;
        let subject_cell = d.uint()?;
        Ok(Self {
            verdict,
            outcomes,
            score_ppm,
            replay_key,
            facts_read,
            input_hash,
            selected,
            subject_cell,
        })
    }
}

fn encode_indices(e: &mut Encoder, indices: &[u32]) {
    e.array(indices.len());
    for index in indices {
        e.uint(u64::from(*index));
    }
}

fn decode_indices(
    d: &mut Decoder<'_>,
    what: &'static str,
    max: usize,
) -> Result<Vec<u32>, CborError> {
    let count = d.array(what, max)?;
    let indices = (0..count).map(|_| d.small(what)).collect::<Result<Vec<u32>, _>>()?;
    strictly_ascending(what, &indices, |index| *index)?;
    Ok(indices)
}

impl Description {
    fn encode_to(&self, e: &mut Encoder) {
        e.map(4).uint(0).uint(ABI_VERSION).uint(1).text(&self.name).uint(2).text(&self.version);
        e.uint(3).array(self.rules.len());
        for rule in &self.rules {
            e.array(3).uint(u64::from(rule.rule_id)).text(&rule.name).uint(u64::from(rule.reason));
        }
    }

    fn decode_from(d: &mut Decoder<'_>) -> Result<Self, CborError> {
        d.map("description fields", 4)?;
        d.key(0)?;
        d.exactly("abi version", ABI_VERSION)?;
        d.key(1)?;
        let name = d.text("name bytes", 64)?.into();
        d.key(2)?;
        let version = d.text("version bytes", 64)?.into();
        d.key(3)?;
        let count = d.array("rules", 256)?;
        let mut rules = Vec::with_capacity(count);
        for _ in 0..count {
            d.tuple("rule fields", 3)?;
            let rule_id = d.small("rule id")?;
            let name = d.text("rule name bytes", 64)?.into();
            rules.push(RuleDescription { rule_id, name, reason: d.small("reason")? });
        }
        strictly_ascending("rule", &rules, |rule| rule.rule_id)?;
        Ok(Self { name, version, rules })
    }
}
