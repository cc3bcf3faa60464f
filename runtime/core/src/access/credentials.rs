//! Credentials that reach one tenant's data and nothing else.
//!
//! A function's own role reaches no tenant's data. For a tenant it takes another role, in
//! a session that is tagged with the tenant's id, by which the role's policies name what
//! it reaches; and a policy of the session says the same once more with the id itself.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_sts::types::Tag;
use lru::LruCache;
use serde_json::json;

use super::error::AccessError;
use super::scope::Scope;
use super::sdk::explain;
use crate::names::{RESULTS_PREFIX, TENANT_ROLE, WEBHOOK_SECRETS};
use crate::tables::{self, TENANT_ID};
use crate::tenant::TenantId;

/// How long a session lasts: the shortest that there is.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const SESSION_SECONDS: i32 = 900;

/// What has to be left of a session for a request to begin with it.
const MARGIN: Duration = Duration::from_secs(90);

/// The most tenants whose credentials are kept.
const MOST_KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);

/// As whom a function reaches a tenant's data. There is no default: a function that
/// does not know must not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acting {
    /// In a session of this role for each tenant.
    TenantRole {
        /// Its ARN, of the variable [`TENANT_ROLE`].
        role: String,
    },
    /// By itself: on the local platform, where no role holds anything back.
    Own,
}

impl Acting {
    /// Reads the variables of a function: [`TENANT_ROLE`] on AWS, and `AWS_ENDPOINT_URL`
    /// on the local platform, which counts first.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, AccessError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        match (set("AWS_ENDPOINT_URL"), set(TENANT_ROLE)) {
            (Some(_), _) => Ok(Self::Own),
            (None, Some(role)) => Ok(Self::TenantRole { role }),
            (None, None) => Err(none(format!(
                "{TENANT_ROLE} is not set: expected the ARN of the role for tenants"
            ))),
        }
    }
}

/// Gives credentials for one tenant at a time.
pub struct NarrowedCredentials {
    sts: aws_sdk_sts::Client,
    acting: Acting,
    prefix: String,
    results: Option<String>,
    kept: Mutex<LruCache<TenantId, Credentials>>,
    now: fn() -> SystemTime,
}

impl NarrowedCredentials {
    /// Of `acting`, for the tables called `<prefix>-<name>` and the bucket `results`.
    pub fn new(
        sts: aws_sdk_sts::Client,
        acting: Acting,
        prefix: impl Into<String>,
        results: Option<String>,
    ) -> Self {
        let kept = Mutex::new(LruCache::new(MOST_KEPT));
        Self { sts, acting, prefix: prefix.into(), results, kept, now: SystemTime::now }
    }

    /// Credentials for the tenant of the scope; nothing where the function acts by
    /// itself. They last for the request, and are kept for the tenant's next.
    pub async fn of(&self, scope: &Scope) -> Result<Option<Credentials>, AccessError> {
        let Acting::TenantRole { role } = &self.acting else { return Ok(None) };
        let tenant = scope.tenant_id();
        if let Some(kept) = self.kept(tenant) {
            return Ok(Some(kept));
        }
        let credentials = self.assume(role, tenant).await?;
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.put(tenant.clone(), credentials.clone());
        Ok(Some(credentials))
    }

    fn kept(&self, tenant: &TenantId) -> Option<Credentials> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |it: &&Credentials| it.expiry().is_some_and(|end| (self.now)() + MARGIN < end);
        all.get(tenant).filter(good).cloned()
    }

    async fn assume(&self, role: &str, tenant: &TenantId) -> Result<Credentials, AccessError> {
        let tag = Tag::builder().key(TENANT_ID).value(tenant.as_str()).build();
        let output = self
            .sts
            .assume_role()
            .role_arn(role)
            .role_session_name(format!("tenant-{tenant}"))
            .duration_seconds(SESSION_SECONDS)
            .tags(tag.map_err(none)?)
            .policy(self.policy(role, tenant)?)
            .send()
            .await
            .map_err(|error| none(explain(&error)))?;
        let given = output.credentials.ok_or_else(|| none("STS gave none"))?;
        let expiry = SystemTime::try_from(given.expiration).map_err(none)?;
        Ok(Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            Some(expiry),
            "tenant-role",
        ))
    }

    /// What the session may reach at most. The role's own policies hold as well, and say
    /// which of these it may do.
    fn policy(&self, role: &str, tenant: &TenantId) -> Result<String, AccessError> {
        let prefix = &self.prefix;
        let [partition, account] = place(role)?;
        let dynamodb = format!("arn:{partition}:dynamodb:*:{account}:table/{prefix}");
        let mut tables = Vec::new();
        for table in tables::ALL.iter().filter(|table| table.tenant_scoped()) {
            tables.push(format!("{dynamodb}-{}", table.name));
            if !table.indexes.is_empty() {
                tables.push(format!("{dynamodb}-{}/index/*", table.name));
            }
        }
        let secrets = format!("{prefix}/{WEBHOOK_SECRETS}/{tenant}/*");
        let mut statements = vec![
            json!({
                "Effect": "Allow",
                "Action": ["dynamodb:*Item", "dynamodb:Query"],
                "Resource": tables,
                "Condition": {
                    "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": [tenant] },
                    "Null": { "dynamodb:LeadingKeys": "false" },
                },
            }),
            // Services use keys in the session's name; which ones, the role says.
            json!({
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                "Resource": "*",
            }),
            json!({
                "Effect": "Allow",
                "Action": "secretsmanager:*",
                "Resource": format!("arn:{partition}:secretsmanager:*:{account}:secret:{secrets}"),
            }),
        ];
        if let Some(bucket) = &self.results {
            let own = format!("{RESULTS_PREFIX}{tenant}/*");
            let bucket = format!("arn:{partition}:s3:::{bucket}");
            statements.push(json!({
                "Effect": "Allow",
                "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                "Resource": format!("{bucket}/{own}"),
            }));
            statements.push(json!({
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": bucket,
                "Condition": { "StringLike": { "s3:prefix": own } },
            }));
        }
        Ok(json!({ "Version": "2012-10-17", "Statement": statements }).to_string())
    }
}

/// The partition and the account of a role's ARN.
fn place(role: &str) -> Result<[&str; 2], AccessError> {
    let parts: Vec<_> = role.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "iam", "", account, resource]
            if !partition.is_empty() && account.len() == 12 && resource.starts_with("role/") =>
        {
            Ok([partition, account])
        }
        _ => Err(none(format!("{TENANT_ROLE}: expected the ARN of a role"))),
    }
}

/// Why there are none.
fn none(why: impl Display) -> AccessError {
    AccessError::Credentials(why.to_string())
}

impl std::fmt::Debug for NarrowedCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NarrowedCredentials").field("acting", &self.acting).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests/credentials.rs"]
mod tests;
