//! A tenant's objects: results of jobs, below the tenant's prefix of a bucket.

use std::sync::Arc;
use std::time::Duration;

use super::backend::ObjectBackend;
use super::error::{AccessError, TenantAccessViolation};
use super::guard::{Watchers, Whose};
use super::scope::Scope;
use crate::model::Invalid;
use crate::names::RESULTS_PREFIX;

/// Longest key below the tenant's prefix, in characters.
const LONGEST_KEY: usize = 500;

/// Longest life of a signed address: nobody can take one back.
pub const LONGEST_PRESIGNED: Duration = Duration::from_mins(15);

/// The most keys of a page.
const LARGEST_PAGE: u32 = 1_000;

/// The key of an object below the prefix of its tenant: parts of letters, digits, `.`,
/// `-` and `_` with `/` between them. No part is empty, `.` or `..`: what is signed, or
/// shown in a browser, is what is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// The key, without the tenant's prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ObjectKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (1..=LONGEST_KEY).contains(&text.len()) && text.split('/').all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid {
                what: "key of an object",
                expected: "parts of letters, digits, '.', '-' and '_' with '/' between them, none of them '.' or '..', at most 500 characters",
            })
        }
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// Something that is asked of a bucket, as plain data. Keys are those of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectOperation {
    /// Reads an object.
    Get {
        /// Its key.
        key: String,
    },
    /// Writes an object.
    Put {
        /// Its key.
        key: String,
        /// What is in it.
        body: Vec<u8>,
        /// What that is, such as `application/json`.
        content_type: String,
        /// Whether there must be none yet.
        new: bool,
    },
    /// Deletes an object.
    Delete {
        /// Its key.
        key: String,
    },
    /// Lists keys.
    List {
        /// What they begin with.
        prefix: String,
        /// The key after which the list goes on.
        after: Option<String>,
        /// How many.
        limit: u32,
    },
    /// Makes an address by which anybody reads an object for some time.
    PresignGet {
        /// Its key.
        key: String,
        /// How long.
        lasts: Duration,
    },
    /// Makes an address by which anybody writes an object for some time.
    PresignPut {
        /// Its key.
        key: String,
        /// How long.
        lasts: Duration,
        /// What has to be written, such as `application/json`.
        content_type: String,
    },
}

impl ObjectOperation {
    /// Its name, for records and errors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get { .. } => "get-object",
            Self::Put { .. } => "put-object",
            Self::Delete { .. } => "delete-object",
            Self::List { .. } => "list-objects",
            Self::PresignGet { .. } => "presign-get",
            Self::PresignPut { .. } => "presign-put",
        }
    }

    /// Every key that it names.
    fn keys(&self) -> Vec<&str> {
        match self {
            Self::Get { key }
            | Self::Put { key, .. }
            | Self::Delete { key }
            | Self::PresignGet { key, .. }
            | Self::PresignPut { key, .. } => vec![key],
            Self::List { after, .. } => after.as_deref().into_iter().collect(),
        }
    }
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectReply {
    /// What is in the object.
    pub body: Option<Vec<u8>>,
    /// The keys of a list.
    pub keys: Vec<String>,
    /// Whether there are more.
    pub more: bool,
    /// The signed address.
    pub url: Option<String>,
}

/// A bucket, as one tenant sees it: the objects below the tenant's prefix.
#[derive(Clone)]
pub struct TenantScopedS3 {
    whose: Whose,
    prefix: String,
    backend: Arc<dyn ObjectBackend>,
    watchers: Watchers,
}

impl TenantScopedS3 {
    /// The bucket of `backend`, for the tenant of the scope.
    pub fn new(scope: Scope, backend: Arc<dyn ObjectBackend>, watchers: Watchers) -> Self {
        let prefix = format!("{RESULTS_PREFIX}{}/", scope.tenant_id());
        Self { whose: Whose::Tenant(scope), prefix, backend, watchers }
    }

    /// The key in the bucket.
    fn full(&self, key: &ObjectKey) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    /// Reads an object; [`AccessError::Absent`] if there is none.
    pub async fn get(&self, key: &ObjectKey) -> Result<Vec<u8>, AccessError> {
        let reply = self.send(ObjectOperation::Get { key: self.full(key) }).await?;
        reply.body.ok_or(AccessError::Absent)
    }

    /// Writes an object, over what was there.
    pub async fn put(
        &self,
        key: &ObjectKey,
        body: Vec<u8>,
        content_type: &str,
    ) -> Result<(), AccessError> {
        self.write(key, body, content_type, false).await
    }

    /// Writes an object that is not there yet; otherwise [`AccessError::Condition`].
    pub async fn create(
        &self,
        key: &ObjectKey,
        body: Vec<u8>,
        content_type: &str,
    ) -> Result<(), AccessError> {
        self.write(key, body, content_type, true).await
    }

    async fn write(
        &self,
        key: &ObjectKey,
        body: Vec<u8>,
        content_type: &str,
        new: bool,
    ) -> Result<(), AccessError> {
        let (key, content_type) = (self.full(key), content_type.to_owned());
        self.send(ObjectOperation::Put { key, body, content_type, new }).await.map(drop)
    }

    /// Deletes an object, if it is there.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), AccessError> {
        self.send(ObjectOperation::Delete { key: self.full(key) }).await.map(drop)
    }

    /// Lists keys that begin with the parts of `folder`, or all of them, in their order:
    /// those after `after`, and whether there are more.
    pub async fn list(
        &self,
        folder: Option<&ObjectKey>,
        after: Option<&ObjectKey>,
        limit: u32,
    ) -> Result<(Vec<ObjectKey>, bool), AccessError> {
        let operation = ObjectOperation::List {
            prefix: folder.map_or_else(|| self.prefix.clone(), |it| self.full(it) + "/"),
            after: after.map(|it| self.full(it)),
            limit: limit.clamp(1, LARGEST_PAGE),
        };
        let reply = self.send(operation).await?;
        // What no key of ours names was not put there by us, and cannot be asked for.
        let keys = reply.keys.iter().filter_map(|key| key.strip_prefix(&self.prefix)?.parse().ok());
        Ok((keys.collect(), reply.more))
    }

    /// An address by which anybody who has it reads the object, for at most
    /// [`LONGEST_PRESIGNED`].
    pub async fn presign_get(
        &self,
        key: &ObjectKey,
        lasts: Duration,
    ) -> Result<String, AccessError> {
        let (key, lasts) = (self.full(key), lasts.min(LONGEST_PRESIGNED));
        self.url(ObjectOperation::PresignGet { key, lasts }).await
    }

    /// An address by which anybody who has it writes the object, for at most
    /// [`LONGEST_PRESIGNED`], as content of this type alone.
    pub async fn presign_put(
        &self,
        key: &ObjectKey,
        content_type: &str,
        lasts: Duration,
    ) -> Result<String, AccessError> {
        let (key, lasts) = (self.full(key), lasts.min(LONGEST_PRESIGNED));
        let content_type = content_type.to_owned();
        self.url(ObjectOperation::PresignPut { key, lasts, content_type }).await
    }

    async fn url(&self, operation: ObjectOperation) -> Result<String, AccessError> {
        self.send(operation).await?.url.ok_or(AccessError::Absent)
    }

    /// Sends an operation if it stays inside, and gives the reply if that did.
    pub(super) async fn send(
        &self,
        operation: ObjectOperation,
    ) -> Result<ObjectReply, AccessError> {
        let name = operation.name();
        let asked = operation.keys().into_iter().find(|key| !self.is_inside(key));
        let listed = match &operation {
            ObjectOperation::List { prefix, .. } if !prefix.starts_with(&self.prefix) => {
                Some(prefix)
            }
            _ => None,
        };
        if let Some(outside) = asked.or(listed.map(String::as_str)) {
            return Err(self.violated(name, outside, false).await);
        }
        let reads = matches!(
            operation,
            ObjectOperation::Get { .. }
                | ObjectOperation::List { .. }
                | ObjectOperation::PresignGet { .. }
        );
        if let Whose::Tenant(scope) = &self.whose
            && !reads
            && !scope.may_change()
        {
            return Err(AccessError::ReadOnly { operation: name, table: "results" });
        }
        let reply = self.backend.run(&operation).await?;
        let listed = match &operation {
            ObjectOperation::List { prefix, .. } => {
                reply.keys.iter().find(|key| !key.starts_with(prefix)).cloned()
            }
            _ => reply.keys.first().cloned(),
        };
        // Keys have no characters that an address would have to escape.
        let signed = reply.url.as_ref().filter(|url| {
            let path = url.split('?').next().unwrap_or_default();
            !operation.keys().iter().any(|key| path.ends_with(&format!("/{key}")))
        });
        let signed = signed.map(|_| "an address of another object".to_owned());
        match listed.or(signed) {
            Some(outside) => Err(self.violated(name, &outside, true).await),
            None => Ok(reply),
        }
    }

    /// Below the tenant's prefix, by a key that means what it says.
    fn is_inside(&self, key: &str) -> bool {
        key.strip_prefix(&self.prefix).is_some_and(|rest| rest.parse::<ObjectKey>().is_ok())
    }

    async fn violated(&self, name: &'static str, outside: &str, in_reply: bool) -> AccessError {
        let violation = TenantAccessViolation::new(self.whose.tenant(), outside, name, "results");
        let violation = TenantAccessViolation { in_reply, ..violation };
        self.watchers.violated(&self.whose, violation).await
    }
}
