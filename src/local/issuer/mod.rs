//! The local platform's own token issuer: real keys, real signatures, and nobody to ask.
//!
//! It lets everything that looks at tokens be tried on this machine, with the checks that
//! it does elsewhere. Below `<state>/local/issuer` are the private keys (`private/`, for
//! this user only) and what the emulator serves of the rest (`public/`): the key set and
//! `.well-known/openid-configuration`.
//!
//! Its tokens are worth nothing outside: their issuer is a loopback address, and only a
//! platform that was started here is told to trust it.

mod files;
mod keys;
mod token;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::{Error, Result};
use files::{read_private, write_private, write_public};
use keys::{KeySet, Pair};

pub use keys::Algorithm;
pub use token::Claims;

/// Whom the issuer's tokens are for: the local platform's API.
pub const AUDIENCE: &str = "platformctl-local";

/// The path on the emulator below which the issuer is.
pub const PATH: &str = "/_platformctl/issuer";

/// The claim that holds the roles of those who run the platform.
pub const ROLE_CLAIM: &str = "roles";

/// The claim that holds the id of a user's tenant.
pub const TENANT_CLAIM: &str = "tenant_id";

/// The issuer of one local platform.
#[derive(Debug, Clone)]
pub struct Issuer {
    folder: PathBuf,
}

/// What a rotation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The ids of the keys that sign from now on.
    pub signing: Vec<String>,
    /// The ids of the keys that are only there for tokens signed before.
    pub former: Vec<String>,
    /// The ids of the keys that are good for nothing any more.
    pub forgotten: Vec<String>,
}

/// The address of the issuer of the platform at `endpoint`: the `iss` of its tokens.
pub fn address(endpoint: &str) -> String {
    format!("{endpoint}{PATH}")
}

impl Issuer {
    /// The issuer in `folder`, which is `<state>/local/issuer`.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Makes what is missing, and says where the platform at `endpoint` is. Nothing
    /// changes when everything is there. The caller holds the platform's lock.
    pub(super) fn prepare(&self, endpoint: &str) -> Result<()> {
        let mut set = self.key_set()?;
        for algorithm in Algorithm::ALL {
            let pair = match self.pair(algorithm)? {
                Some(pair) => pair,
                None => self.renew(algorithm, &mut set)?,
            };
            // A crash may have lost the public half, and nothing else can bring it back.
            set.add(pair.public());
        }
        self.write_set(&set)?;
        let issuer = address(endpoint);
        let keys = format!("{issuer}/{KEY_SET}");
        let about = json!({
            "issuer": issuer,
            "jwks_uri": keys,
            "id_token_signing_alg_values_supported": Algorithm::ALL.map(Algorithm::name),
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "claims_supported": ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", ROLE_CLAIM, TENANT_CLAIM],
        });
        write_public(&self.public(CONFIGURATION), &about)?;
        // What the authoriser is told of it, in the words that it knows issuers by.
        let trust = json!({
            "name": "local",
            "issuer": issuer,
            "audience": AUDIENCE,
            "jwks_url": keys,
            "role_claim": ROLE_CLAIM,
            "tenant_claim": TENANT_CLAIM,
            "staff": true,
            "algorithms": Algorithm::ALL.map(Algorithm::name),
            "local": true,
        });
        write_public(&self.folder.join("trust.json"), &trust)
    }

    /// New keys sign from now on. The former ones stay in the key set, so that tokens
    /// signed by them are good until they expire. The caller holds the platform's lock.
    pub(super) fn rotate(&self) -> Result<Rotated> {
        let mut set = self.key_set()?;
        for algorithm in Algorithm::ALL {
            self.renew(algorithm, &mut set)?;
        }
        self.state(Vec::new())
    }

    /// Takes the former keys out of the key set: tokens signed by them are refused. The
    /// caller holds the platform's lock.
    pub(super) fn forget_former(&self) -> Result<Rotated> {
        let mut set = self.key_set()?;
        let signing = self.signing()?;
        let forgotten = set.keep(&signing);
        self.write_set(&set)?;
        self.state(forgotten)
    }

    /// A token with these claims. `endpoint` is that of the platform, which it is for.
    pub fn sign(&self, endpoint: &str, algorithm: Algorithm, claims: &Claims) -> Result<String> {
        if !endpoint.starts_with("http://127.0.0.1:") {
            return Err(Error::usage(format!(
                "the local issuer signs nothing for {endpoint}: it is for this machine alone"
            )));
        }
        let pair = self.pair(algorithm)?.ok_or_else(|| {
            Error::failed("the local token issuer has no keys yet")
                .hint("start the local platform, which makes them: `platformctl local up`")
        })?;
        token::sign(&pair, &address(endpoint), claims)
    }

    /// The key that signs, if it was made.
    fn pair(&self, algorithm: Algorithm) -> Result<Option<Pair>> {
        let file = self.private(algorithm);
        let Some(bytes) = read_private(&file)? else { return Ok(None) };
        Pair::read(algorithm, &bytes).map(Some).map_err(|error| {
            Error::failed(format!("{} holds no key", file.display()))
                .caused_by(error)
                .hint("remove it; `platformctl local up` makes another")
        })
    }

    /// Makes a key and lets it sign. Its public half is there before the first signature.
    fn renew(&self, algorithm: Algorithm, set: &mut KeySet) -> Result<Pair> {
        let (pair, bytes) = Pair::generate(algorithm)?;
        set.add(pair.public());
        self.write_set(set)?;
        write_private(&self.private(algorithm), &bytes)?;
        Ok(pair)
    }

    fn signing(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for algorithm in Algorithm::ALL {
            ids.extend(self.pair(algorithm)?.map(|pair| pair.id().to_owned()));
        }
        Ok(ids)
    }

    fn state(&self, forgotten: Vec<String>) -> Result<Rotated> {
        let signing = self.signing()?;
        let known = self.key_set()?;
        let former = known.ids().filter(|id| !signing.iter().any(|it| it == id));
        Ok(Rotated { former: former.map(str::to_owned).collect(), signing, forgotten })
    }

    fn key_set(&self) -> Result<KeySet> {
        KeySet::read(&self.public(KEY_SET))
    }

    fn write_set(&self, set: &KeySet) -> Result<()> {
        write_public(&self.public(KEY_SET), &set.to_json())
    }

    fn private(&self, algorithm: Algorithm) -> PathBuf {
        self.folder.join("private").join(format!("{}.pk8", algorithm.name().to_lowercase()))
    }

    fn public(&self, name: &str) -> PathBuf {
        self.folder.join("public").join(Path::new(name))
    }
}

/// The key set, below the issuer's address.
const KEY_SET: &str = "jwks.json";
/// What OIDC discovery calls it, below the issuer's address.
const CONFIGURATION: &str = ".well-known/openid-configuration";

#[cfg(test)]
mod tests;
