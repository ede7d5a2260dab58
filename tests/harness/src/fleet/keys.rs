//! Secret keys of simulated gateways.

use heliotrope_device_proofs::keys::PublicKey;
use heliotrope_device_proofs::sha256;
use p256::ecdsa::signature::{Signer as _, hazmat::PrehashSigner as _};

/// Type of a device key, by the number that Helium's binary form and the registry use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyType {
    /// P-256, x coordinate only.
    EccCompact = 0,
    /// Ed25519.
    Ed25519 = 1,
    /// secp256k1.
    Secp256k1 = 3,
}

#[derive(Clone)]
enum Inner {
    EccCompact(p256::ecdsa::SigningKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    Secp256k1(k256::ecdsa::SigningKey),
}

/// A gateway's secret key. Simulated: it follows from the fleet's seed.
#[derive(Clone)]
pub struct GatewayKey {
    inner: Inner,
    public: Vec<u8>,
}

impl std::fmt::Debug for GatewayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GatewayKey({})", hex::encode(&self.public))
    }
}

impl GatewayKey {
    /// The key of a type that follows from `seed`.
    #[must_use]
    pub fn derive(kind: KeyType, seed: &[u8]) -> Self {
        let mut secret = sha256(&[b"heliotrope fleet key".as_slice(), seed].concat());
        loop {
            if let Some(key) = Self::from_secret(kind, &secret) {
                return key;
            }
            secret = sha256(&secret);
        }
    }

    /// `None` if these bytes are no key of the type; half of the P-256 keys have no compact form.
    fn from_secret(kind: KeyType, secret: &[u8; 32]) -> Option<Self> {
        let mut public = vec![kind as u8];
        let inner = match kind {
            KeyType::Ed25519 => {
                let key = ed25519_dalek::SigningKey::from_bytes(secret);
                public.extend_from_slice(key.verifying_key().as_bytes());
                Inner::Ed25519(Box::new(key))
            }
            KeyType::EccCompact => {
                let key = p256::ecdsa::SigningKey::from_slice(secret).ok()?;
                public.extend_from_slice(
                    key.verifying_key().to_sec1_point(true).as_bytes().get(1..)?,
                );
                Inner::EccCompact(key)
            }
            KeyType::Secp256k1 => {
                let key = k256::ecdsa::SigningKey::from_slice(secret).ok()?;
                public.extend_from_slice(key.verifying_key().to_sec1_point(true).as_bytes());
                Inner::Secp256k1(key)
            }
        };
        let key = Self { inner, public };
        let known = PublicKey::from_bytes(&key.public).ok()?;
        known.verify(b"self test", &key.sign(b"self test")).ok()?;
        Some(key)
    }

    /// Type of the key.
    #[must_use]
    pub const fn kind(&self) -> KeyType {
        match self.inner {
            Inner::EccCompact(_) => KeyType::EccCompact,
            Inner::Ed25519(_) => KeyType::Ed25519,
            Inner::Secp256k1(_) => KeyType::Secp256k1,
        }
    }

    /// The public key in Helium's binary form.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// Signs a message in the form that this key type has.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.inner {
            Inner::EccCompact(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Inner::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Inner::Secp256k1(key) => {
                let signature: k256::ecdsa::Signature = key.sign(message);
                signature.normalize_s().to_der().as_bytes().to_vec()
            }
        }
    }

    /// The device's own proof over a registration's digest, `abi.encode(r, s, y)`; `None` for the key
    /// type that the EVM cannot check.
    #[must_use]
    pub fn sign_registration(&self, digest: &[u8; 32]) -> Option<Vec<u8>> {
        match &self.inner {
            Inner::Ed25519(_) => None,
            Inner::EccCompact(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(digest).ok()?;
                let point = key.verifying_key().to_sec1_point(false);
                Some([signature.to_bytes().as_slice(), point.y()?.as_slice()].concat())
            }
            Inner::Secp256k1(key) => {
                let signature: k256::ecdsa::Signature = key.sign_prehash(digest).ok()?;
                let point = key.verifying_key().to_sec1_point(false);
                let signature = signature.normalize_s();
                Some([signature.to_bytes().as_slice(), point.y()?.as_slice()].concat())
            }
        }
    }
}
