//! What is kept between two starts: the answers that made the store, byte for byte.
//!
//! Nothing proven is kept, only what proves it. Reading it back is following the chain again, from the
//! same checkpoint and by the same rules: who can write to the disk or to IndexedDB can make the client
//! start anew, and nothing else. About 1 kB for each 27 hours of mainnet since the checkpoint.
//!
//! Encoding, version 1, integers little-endian: version (u8) · form (u8: 0 compact, 1 standard) ·
//! checkpoint (32 bytes) · count (u32) · answers. The first answer is the bootstrap, the last the newest
//! finality update or empty, those between are committee updates. An answer is is-JSON (u8) · length of
//! the fork's name (u8) · name · length (u32) · body.

use alloy_primitives::B256;
use heliotrope_verifier::chains::ethereum::ChainSpec;

use crate::{
    following::Form,
    platform::{FetchResponse, Platform},
};

const VERSION: u8 = 1;
/// A longer journal is not kept: the next start fetches again.
const MAX_BYTES: usize = 16 << 20;

/// The answers that made a store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Journal {
    pub(crate) form: Form,
    pub(crate) checkpoint: B256,
    pub(crate) bootstrap: FetchResponse,
    pub(crate) updates: Vec<FetchResponse>,
    pub(crate) finality: Option<FetchResponse>,
}

/// One network, one journal.
pub(crate) fn key(spec: &ChainSpec) -> String {
    format!("light-client-{}", hex::encode(spec.genesis_validators_root()))
}

/// What was kept for this network. That it cannot be read is as if nothing had been kept.
pub(crate) async fn load<P: Platform>(platform: &P, spec: &ChainSpec) -> Option<Vec<u8>> {
    platform.load(&key(spec)).await.ok()?
}

/// The checkpoint that the kept journal says it stands on: a proposal, to be confirmed by somebody else.
pub(crate) async fn kept_checkpoint<P: Platform>(platform: &P, spec: &ChainSpec) -> Option<B256> {
    let journal = Journal::decode(&load(platform, spec).await?).ok()?;
    Some(journal.checkpoint)
}

impl Journal {
    pub(crate) const fn new(form: Form, checkpoint: B256, bootstrap: FetchResponse) -> Self {
        Self { form, checkpoint, bootstrap, updates: Vec::new(), finality: None }
    }

    /// The bytes to keep; `None` when they are more than anybody should keep.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let empty = FetchResponse::default();
        let mut answers = vec![&self.bootstrap];
        answers.extend(&self.updates);
        answers.push(self.finality.as_ref().unwrap_or(&empty));
        let mut out = vec![VERSION, u8::from(self.form == Form::Standard)];
        out.extend_from_slice(self.checkpoint.as_slice());
        out.extend_from_slice(&u32::try_from(answers.len()).ok()?.to_le_bytes());
        for answer in answers {
            let name = answer.consensus_version.as_deref().unwrap_or_default();
            out.push(u8::from(answer.is_json));
            out.push(u8::try_from(name.len()).ok()?);
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(&u32::try_from(answer.body.len()).ok()?.to_le_bytes());
            out.extend_from_slice(&answer.body);
        }
        (out.len() <= MAX_BYTES).then_some(out)
    }

    /// Reads kept bytes. What they say is not checked here.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut rest = bytes;
        let [version, form] = take_array(&mut rest)?;
        if version != VERSION {
            return Err("kept by another version");
        }
        let form = match form {
            0 => Form::Compact,
            1 => Form::Standard,
            _ => return Err("unknown form"),
        };
        let checkpoint = B256::new(take_array(&mut rest)?);
        let count = u32::from_le_bytes(take_array(&mut rest)?);
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(take_answer(&mut rest)?);
        }
        if !rest.is_empty() {
            return Err("bytes left over");
        }
        let finality = answers.pop().ok_or("no answers")?;
        if answers.is_empty() {
            return Err("no bootstrap");
        }
        let bootstrap = answers.remove(0);
        let finality = (!finality.body.is_empty()).then_some(finality);
        Ok(Self { form, checkpoint, bootstrap, updates: answers, finality })
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], &'static str> {
    let (taken, after) = rest.split_at_checked(length).ok_or("cut short")?;
    *rest = after;
    Ok(taken)
}

fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], &'static str> {
    take(rest, N)?.try_into().map_err(|_| "cut short")
}

fn take_answer(rest: &mut &[u8]) -> Result<FetchResponse, &'static str> {
    let [is_json, name] = take_array(rest)?;
    let name = core::str::from_utf8(take(rest, usize::from(name))?).map_err(|_| "fork name")?;
    let length = u32::from_le_bytes(take_array(rest)?);
    let body = take(rest, usize::try_from(length).map_err(|_| "length")?)?.to_vec();
    let consensus_version = (!name.is_empty()).then(|| name.to_owned());
    Ok(FetchResponse { status: 200, is_json: is_json == 1, consensus_version, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &[u8], name: Option<&str>) -> FetchResponse {
        let consensus_version = name.map(str::to_owned);
        FetchResponse { status: 200, is_json: name.is_none(), consensus_version, body: body.into() }
    }

    fn journal() -> Journal {
        Journal {
            updates: vec![answer(b"one", None), answer(b"two", Some("deneb"))],
            finality: Some(answer(b"newest", Some("electra"))),
            ..Journal::new(Form::Standard, B256::repeat_byte(3), answer(b"b", Some("electra")))
        }
    }

    #[test]
    fn what_was_kept_comes_back() {
        let kept = journal();
        assert_eq!(Journal::decode(&kept.encode().unwrap()), Ok(kept));
        let young = Journal::new(Form::Compact, B256::ZERO, answer(b"b", None));
        assert_eq!(Journal::decode(&young.encode().unwrap()), Ok(young));
    }

    #[test]
    fn cut_or_longer_bytes_are_refused() {
        let bytes = journal().encode().unwrap();
        for length in 0..bytes.len() {
            assert!(Journal::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Journal::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
    }
}
