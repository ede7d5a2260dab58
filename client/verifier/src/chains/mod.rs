//! Every supported chain. **To add one: add its file here and one line to `chains!`.**

use crate::consensus::{ConsensusVerifier, UnixSeconds};

pub mod ethereum;

/// Why a chain refused an update.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{chain:?}: {reason}")]
pub struct ChainError {
    /// Chain whose rule failed.
    pub chain: ChainKind,
    /// The rule, in the chain's own words.
    pub reason: String,
}

macro_rules! chains {
    ($($(#[$doc:meta])* $name:ident => $verifier:ty),+ $(,)?) => {
        /// A supported chain.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum ChainKind { $($(#[$doc])* $name),+ }

        /// The trusted state of one chain.
        #[derive(Debug)]
        #[non_exhaustive]
        pub enum AnyStore {
            $($(#[$doc])* $name(Box<<$verifier as ConsensusVerifier>::Store>)),+
        }

        impl AnyStore {
            /// Decodes, verifies and applies one update.
            ///
            /// # Errors
            ///
            /// When the bytes do not decode or break a consensus rule; the store is then unchanged.
            pub fn process_update(&mut self, bytes: &[u8], now: UnixSeconds) -> Result<(), ChainError> {
                match self {
                    $(Self::$name(store) => {
                        let update = <$verifier>::decode_update(store, bytes)
                            .and_then(|update| <$verifier>::verify_update(store, update, now))
                            .map_err(|e| ChainError { chain: ChainKind::$name, reason: e.to_string() })?;
                        <$verifier>::apply_update(store, update);
                    })+
                }
                Ok(())
            }
        }
    };
}

chains! {
    /// Ethereum and every chain that runs its beacon protocol, by sync committee.
    Ethereum => ethereum::Ethereum,
}
