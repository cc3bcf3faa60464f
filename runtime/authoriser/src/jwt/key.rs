//! Public keys, and the one place where signatures are checked.

use std::collections::HashMap;

use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};
use runtime_core::auth::Algorithm;
use serde_json::{Map, Value};

use super::strict;
use crate::reason::Reason;

/// The most keys of an issuer. Entra has about ten.
const MOST_KEYS: usize = 50;

/// Sizes of RSA moduli, in bytes: 2048 to 4096 bits.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=512;

/// A public key for signatures.
#[derive(Debug, Clone)]
struct Key {
    material: Material,
    /// The one algorithm that it is for, if its issuer says so.
    only: Option<String>,
}

#[derive(Debug, Clone)]
enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// The keys of an issuer, by id.
#[derive(Debug, Default)]
pub(crate) struct KeySet(HashMap<String, Vec<Key>>);

impl KeySet {
    /// Reads a document of keys (RFC 7517). Keys that are for something else, or are too
    /// weak, are left out; a document that is none has no keys to offer.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let document = strict::object(bytes)?;
        let list = document.get("keys")?.as_array()?;
        if list.len() > MOST_KEYS {
            return None;
        }
        let mut keys: HashMap<String, Vec<Key>> = HashMap::new();
        for member in list {
            let member = member.as_object()?;
            if let Some((id, key)) = key(member) {
                keys.entry(id).or_default().push(key);
            }
        }
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Whether there is a key of this id.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }

    /// Checks a signature by the one key of this id that is for the algorithm.
    pub(crate) fn verify(
        &self,
        id: &str,
        algorithm: Algorithm,
        signed: &[u8],
        signature: &[u8],
    ) -> Result<(), Reason> {
        let keys = self.0.get(id).ok_or(Reason::UnknownKey)?;
        // Issuers may give keys of different kinds the same id (RFC 7517, 4.5). Two of
        // the same kind would be a choice, and there is none to make.
        let mut fitting = keys.iter().filter(|key| key.fits(algorithm));
        let (Some(key), None) = (fitting.next(), fitting.next()) else {
            return Err(Reason::KeyMismatch);
        };
        key.verify(algorithm, signed, signature)
    }
}

impl Key {
    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let kind = match self.material {
            Material::Rsa(_) => {
                matches!(algorithm, RS256 | RS384 | RS512 | PS256 | PS384 | PS512)
            }
            Material::P256(_) => algorithm == ES256,
            Material::P384(_) => algorithm == ES384,
            Material::Ed25519(_) => algorithm == EdDSA,
        };
        let named = self.only.as_ref().is_none_or(|only| *only == name(algorithm));
        kind && named
    }

    fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Result<(), Reason> {
        let point = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(signed, signature)
        };
        let verified = match &self.material {
            Material::Rsa(key) => {
                let parameters = rsa(algorithm).ok_or(Reason::KeyMismatch)?;
                key.verify(parameters, signed, signature)
            }
            Material::P256(key) => point(&signature::ECDSA_P256_SHA256_FIXED, key),
            Material::P384(key) => point(&signature::ECDSA_P384_SHA384_FIXED, key),
            Material::Ed25519(key) => point(&signature::ED25519, key),
        };
        verified.map_err(|_| Reason::Signature)
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => return None,
    })
}

/// The name in tokens and keys.
fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::EdDSA => "EdDSA",
    }
}

/// A key and its id, if it is one that may check signatures.
fn key(member: &Map<String, Value>) -> Option<(String, Key)> {
    let text = |name: &str| member.get(name).and_then(Value::as_str);
    let bytes = |name: &str| text(name).and_then(strict::base64url);
    let for_signatures = match member.get("use") {
        None => true,
        Some(purpose) => purpose == "sig",
    };
    let may_verify = match member.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|it| it == "verify"),
        Some(_) => false,
    };
    // Whoever publishes a private key has no secret any more.
    let public = !["d", "k", "p", "q"].iter().any(|name| member.contains_key(*name));
    if !(for_signatures && may_verify && public) {
        return None;
    }
    let only = match member.get("alg") {
        None => None,
        Some(Value::String(only)) => Some(only.clone()),
        Some(_) => return None,
    };
    let material = match (text("kty")?, text("crv")) {
        ("RSA", None) => Material::Rsa(modulus(bytes("n")?, bytes("e")?)?),
        ("EC", Some("P-256")) => Material::P256(point(32, &bytes("x")?, &bytes("y")?)?),
        ("EC", Some("P-384")) => Material::P384(point(48, &bytes("x")?, &bytes("y")?)?),
        ("OKP", Some("Ed25519")) => {
            Material::Ed25519(bytes("x").filter(|point| point.len() == 32)?)
        }
        _ => return None,
    };
    Some((text("kid")?.to_owned(), Key { material, only }))
}

fn modulus(n: Vec<u8>, e: Vec<u8>) -> Option<RsaPublicKeyComponents<Vec<u8>>> {
    let full = n.first().is_some_and(|first| *first != 0);
    // 2048 bits, not just 256 bytes.
    let strong = n.len() > *MODULUS.start() || n.first().is_some_and(|first| first & 0x80 != 0);
    // 65,537 is what everybody uses; small exponents have a history.
    let usual = e == [1, 0, 1];
    (full && strong && usual && MODULUS.contains(&n.len()))
        .then_some(RsaPublicKeyComponents { n, e })
}

fn point(size: usize, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    // Whether it is on the curve, ring checks with each signature.
    (x.len() == size && y.len() == size).then(|| [&[4], x, y].concat())
}
