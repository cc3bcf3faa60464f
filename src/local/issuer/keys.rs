//! Keys: made, written down, and their public halves as JSON Web Keys (RFC 7517).

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use graviola::signing::rsa::{KeySize, SigningKey};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::{Context as _, Error, Result};

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Algorithm {
    /// RSA with 2048 bits, PKCS #1 version 1.5, SHA-256: what most issuers use.
    #[default]
    Rs256,
    /// ECDSA on P-256, SHA-256.
    Es256,
}

/// A key that signs.
pub(super) struct Pair {
    id: String,
    algorithm: Algorithm,
    kind: Kind,
}

enum Kind {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

/// A key of ours that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadKey(String);

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    /// As a token's header names it (RFC 7518).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl Pair {
    /// Makes a key, and gives it as PKCS #8 too.
    pub(super) fn generate(algorithm: Algorithm) -> Result<(Self, Vec<u8>)> {
        let bytes = match algorithm {
            Algorithm::Rs256 => generate_rsa()?,
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                    .map_err(|_| Error::failed("the system gave no random numbers for a key"))?
                    .as_ref()
                    .to_vec()
            }
        };
        let pair = Self::read(algorithm, &bytes).context("a key was made that cannot be used")?;
        Ok((pair, bytes))
    }

    /// Reads a key as [`Pair::generate`] gives it.
    pub(super) fn read(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, BadKey> {
        let bad = |error: ring::error::KeyRejected| BadKey(error.to_string());
        let kind = match algorithm {
            Algorithm::Rs256 => Kind::Rsa(RsaKeyPair::from_pkcs8(bytes).map_err(bad)?),
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
                Kind::Ec(EcdsaKeyPair::from_pkcs8(algorithm, bytes, &random).map_err(bad)?)
            }
        };
        let id = thumbprint(&members(&kind));
        Ok(Self { id, algorithm, kind })
    }

    /// Its id: the thumbprint of its public half (RFC 7638).
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its public half.
    pub(super) fn public(&self) -> Value {
        let mut key = json!({ "kid": self.id, "alg": self.algorithm.name(), "use": "sig" });
        for (name, value) in members(&self.kind) {
            key[name] = value.into();
        }
        key
    }

    /// The signature of `message`, as JSON Web Signatures have it (RFC 7518, 3.3 and 3.4).
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        let failed = |_| Error::failed("the local issuer could not sign a token");
        match &self.kind {
            Kind::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
            Kind::Ec(pair) => {
                let signature = pair.sign(&random, message).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// An RSA key as PKCS #8. ring makes none, and signs with it.
fn generate_rsa() -> Result<Vec<u8>> {
    if !can_generate_rsa() {
        return Err(Error::failed(
            "this processor is older than what RSA keys are made with (x86-64 with AVX2, ADX and BMI2; ARM with its cryptographic instructions)",
        )
        .hint("try it on another machine; `--local` needs the keys of its token issuer"));
    }
    let made = |error| Error::failed(format!("no RSA key could be made: {error:?}"));
    let key = SigningKey::generate(KeySize::Rsa2048).map_err(made)?;
    // A key of 2048 bits takes about 1,220 bytes.
    let mut room = [0; 2048];
    Ok(key.to_pkcs8_der(&mut room).map_err(made)?.to_vec())
}

/// What graviola needs of the processor; it would end the process without
/// (<https://docs.rs/graviola/0.4.2>, "Limitations").
fn can_generate_rsa() -> bool {
    #[cfg(target_arch = "x86_64")]
    let can = is_x86_feature_detected!("aes")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("avx")
        && is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("adx")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let can = std::arch::is_aarch64_feature_detected!("neon")
        && std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
        && std::arch::is_aarch64_feature_detected!("sha2");
    can
}

/// The members of a public key that make it this one, in the order of their names.
fn members(kind: &Kind) -> Vec<(&'static str, String)> {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match kind {
        Kind::Rsa(pair) => {
            let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(pair.public());
            vec![("e", text(&e)), ("kty", "RSA".to_owned()), ("n", text(&n))]
        }
        Kind::Ec(pair) => {
            // 4, which means "uncompressed", then both coordinates.
            let point = pair.public_key().as_ref();
            let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
            let names = ["crv", "kty", "x", "y"];
            let values = ["P-256".to_owned(), "EC".to_owned(), text(x), text(y)];
            names.into_iter().zip(values).collect()
        }
    }
}

pub(super) fn thumbprint(members: &[(&'static str, String)]) -> String {
    let members: serde_json::Map<String, Value> =
        members.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    URL_SAFE_NO_PAD.encode(Sha256::digest(Value::Object(members).to_string()))
}

/// The public keys, the newest first.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a key set; an empty one when there is none.
    pub(super) fn read(file: &Path) -> Result<Self> {
        let text = match fs::read(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            text => text.with_context(|| format!("cannot read {}", file.display()))?,
        };
        let set: Option<Value> = serde_json::from_slice(&text).ok();
        let keys = set.as_ref().and_then(|set| set["keys"].as_array());
        let keys = keys.ok_or_else(|| {
            Error::failed(format!("{} holds no key set", file.display()))
                .hint("remove it; `platformctl local up` makes another")
        })?;
        Ok(Self { keys: keys.clone() })
    }

    /// Adds a key, unless it is there.
    pub(super) fn add(&mut self, key: Value) {
        if !self.keys.iter().any(|known| known["kid"] == key["kid"]) {
            self.keys.insert(0, key);
        }
    }

    /// Keeps these keys; returns the ids of the others.
    pub(super) fn keep(&mut self, ids: &[String]) -> Vec<String> {
        let keep = |key: &Value| ids.iter().any(|id| key["kid"] == **id);
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.keys).into_iter().partition(keep);
        self.keys = kept;
        gone.iter().filter_map(|key| key["kid"].as_str()).map(str::to_owned).collect()
    }

    /// The ids of its keys.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key["kid"].as_str())
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "keys": self.keys })
    }
}
