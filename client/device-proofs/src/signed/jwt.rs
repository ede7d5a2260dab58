//! A JSON web token in compact form, ES256 only (RFC 7515, RFC 7518 §3.4).
//!
//! ```text
//!  base64url(header) . base64url(payload) . base64url(r ‖ s)        signed: the first two as they stand
//! ```
//! The algorithm is pinned, not negotiated: a header that names another, `none` among them, is an
//! error. The header must be a flat JSON object of strings without escapes, each name once, and no
//! `crit` or `b64`, which would change what is signed. The payload is handed out as bytes.

use super::{Algorithm, SignedError, VerifyingKey, bounded};

const MAX_MEMBERS: usize = 16;
/// Header parameters that change how the rest is to be read (RFC 7515 §4.1.11, RFC 7797).
const REFUSED: [&str; 2] = ["crit", "b64"];
const ES256: &str = "ES256";

/// A token, not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt<'a> {
    /// Header members in their order, `alg` among them.
    pub header: Vec<(String, String)>,
    /// What is signed, usually a JSON object of claims.
    pub payload: Vec<u8>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Decodes a token.
    ///
    /// # Errors
    /// If it is not in the one form described above, or names another algorithm.
    pub fn decode(token: &'a str) -> Result<Self, SignedError> {
        bounded(token.len())?;
        let part = |part, expected| SignedError::Token { part, expected };
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| part(2, "there"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| part(1, "there"))?;
        let header = base64url(header).ok_or_else(|| part(0, "base64url"))?;
        let payload = base64url(payload).ok_or_else(|| part(1, "base64url"))?;
        let signature = base64url(signature).ok_or_else(|| part(2, "base64url"))?;
        let header = core::str::from_utf8(&header).map_err(|_| part(0, "UTF-8"))?;
        let header = members(header).ok_or_else(|| part(0, "a flat JSON object of strings"))?;
        let algorithm = header.iter().find(|(name, _)| name == "alg").map(|(_, value)| value);
        if algorithm.is_none_or(|algorithm| algorithm != ES256) {
            let got = algorithm.cloned().unwrap_or_default();
            return Err(SignedError::Algorithm { got, expected: ES256 });
        }
        Ok(Self { header, payload, signed, signature })
    }

    /// A member of the header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header.iter().find(|(member, _)| member == name).map(|(_, value)| value.as_str())
    }

    /// Checks the signature under `key` and gives the payload.
    ///
    /// # Errors
    /// If the key is not P-256 or the signature is not this key's.
    pub fn verify(&self, key: &VerifyingKey) -> Result<&[u8], SignedError> {
        if key.algorithm() != Algorithm::Es256 {
            return Err(SignedError::Key { expected: "P-256" });
        }
        key.verify(self.signed.as_bytes(), &self.signature)?;
        Ok(&self.payload)
    }
}

/// Strict base64url without padding: unused bits must be zero, so a value has one text.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    for quad in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for byte in quad {
            bits = (bits << 6) | u32::from(sextet(*byte)?);
        }
        let [_, first, second, third] = match quad.len() {
            4 => bits,
            3 => bits << 6,
            2 => bits << 12,
            _ => return None,
        }
        .to_be_bytes();
        match quad.len() {
            4 => out.extend_from_slice(&[first, second, third]),
            3 if third == 0 => out.extend_from_slice(&[first, second]),
            2 if (second, third) == (0, 0) => out.push(first),
            _ => return None,
        }
    }
    Some(out)
}

const fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => byte.checked_sub(b'A'),
        b'a'..=b'z' => byte.checked_sub(b'a' - 26),
        b'0'..=b'9' => byte.checked_add(52 - b'0'),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

/// The members of a flat JSON object of strings.
fn members(json: &str) -> Option<Vec<(String, String)>> {
    let mut rest = json.trim_matches(WHITESPACE).strip_prefix('{')?.strip_suffix('}')?;
    let mut members: Vec<(String, String)> = Vec::new();
    loop {
        let (name, after) = string(rest)?;
        let (value, after) = string(after.trim_start_matches(WHITESPACE).strip_prefix(':')?)?;
        let known = members.iter().any(|(member, _)| *member == name);
        if known || REFUSED.contains(&name) || members.len() >= MAX_MEMBERS {
            return None;
        }
        members.push((name.into(), value.into()));
        let after = after.trim_start_matches(WHITESPACE);
        if after.is_empty() {
            return Some(members);
        }
        rest = after.strip_prefix(',')?;
    }
}

const WHITESPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A JSON string without escapes or control characters, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(WHITESPACE).strip_prefix('"')?;
    let (inside, rest) = text.split_once('"')?;
    (!inside.chars().any(|c| c == '\\' || c.is_control())).then_some((inside, rest))
}
