//! Who calls: what the authoriser found out, as every other function reads it.
//!
//! API Gateway hands what the authoriser wrote to the functions behind it, in a part of
//! the event that callers cannot write. It becomes one of two types that do not turn
//! into each other: a [`VerifiedCaller`] of one tenant, or a [`VerifiedOperator`].
//!
//! ```
//! use runtime_core::caller::{CallerContext, Verified};
//!
//! let context = CallerContext::machine("acme".parse()?, "key-1");
//! let fields = context.fields();
//! let Verified::Tenant(caller) = Verified::from_context(|name| {
//!     fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
//! })?
//! else {
//!     unreachable!("a machine is a tenant's");
//! };
//! assert_eq!(caller.tenant().as_str(), "acme");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use crate::api::Caller;
use crate::queues::{self, Queue};
use crate::tables::{self, TENANT_ID};
use crate::tenant::TenantId;

/// The field of the context that says what kind of caller it is.
pub const CALLER: &str = "caller";

/// The field that says who it is: the subject of a token, or the id of an API key.
pub const SUBJECT: &str = "subject";

/// Longest subject. Identity providers give up to 255 characters.
const LONGEST_SUBJECT: usize = 255;

/// What the authoriser says of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerContext {
    caller: Caller,
    tenant: Option<TenantId>,
    subject: String,
}

impl CallerContext {
    /// A user of a tenant.
    pub fn user(tenant: TenantId, subject: impl Into<String>) -> Self {
        Self { caller: Caller::Tenant, tenant: Some(tenant), subject: subject.into() }
    }

    /// A program of a tenant.
    pub fn machine(tenant: TenantId, subject: impl Into<String>) -> Self {
        Self { caller: Caller::Machine, tenant: Some(tenant), subject: subject.into() }
    }

    /// Somebody who sees all tenants and changes none.
    pub fn operator(subject: impl Into<String>) -> Self {
        Self { caller: Caller::Operator, tenant: None, subject: subject.into() }
    }

    /// Somebody who may change the platform.
    pub fn admin(subject: impl Into<String>) -> Self {
        Self { caller: Caller::Admin, tenant: None, subject: subject.into() }
    }

    /// The fields of the authoriser's context: API Gateway takes texts alone.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let tenant = self.tenant.iter().map(|tenant| (TENANT_ID, tenant.to_string()));
        [(CALLER, self.caller.name().to_owned()), (SUBJECT, self.subject.clone())]
            .into_iter()
            .chain(tenant)
            .collect()
    }
}

/// A caller that the authoriser let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// One of a tenant, for that tenant alone.
    Tenant(VerifiedCaller),
    /// One of those who run the platform.
    Staff(VerifiedOperator),
}

/// A context that no authoriser of ours wrote. Nobody is let through by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the authoriser's context is not valid: {0}")]
pub struct UnverifiedCaller(&'static str);

impl Verified {
    /// Reads the authoriser's context: `field` gives the value of a field of
    /// `requestContext.authorizer`. What contradicts itself is refused, such as an
    /// operator with a tenant.
    pub fn from_context<'a>(
        field: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, UnverifiedCaller> {
        let subject = field(SUBJECT)
            .filter(|it| (1..=LONGEST_SUBJECT).contains(&it.len()))
            .filter(|it| !it.contains(char::is_control))
            .ok_or(UnverifiedCaller("subject: expected 1 to 255 characters"))?
            .to_owned();
        let known = [Caller::Tenant, Caller::Machine, Caller::Operator, Caller::Admin];
        let caller = field(CALLER)
            .and_then(|name| known.into_iter().find(|it| it.name() == name))
            .ok_or(UnverifiedCaller("caller: expected tenant, machine, operator or admin"))?;
        let of_tenant = matches!(caller, Caller::Tenant | Caller::Machine);
        match (of_tenant, field(TENANT_ID)) {
            (true, Some(tenant)) => {
                let tenant = tenant
                    .parse()
                    .map_err(|_| UnverifiedCaller("tenant_id: expected a tenant's id"))?;
                Ok(Self::Tenant(VerifiedCaller { caller, tenant, subject }))
            }
            (true, None) => Err(UnverifiedCaller("tenant_id: expected that of the caller")),
            (false, None) => Ok(Self::Staff(VerifiedOperator { caller, subject })),
            (false, Some(_)) => Err(UnverifiedCaller("tenant_id: expected none of staff")),
        }
    }
}

/// Somebody who calls for one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCaller {
    caller: Caller,
    tenant: TenantId,
    subject: String,
}

impl VerifiedCaller {
    /// The tenant that a message or a record of our own is about: the work was asked for
    /// by a caller who was verified then. Work of the provisioner is not a tenant's.
    pub fn from_origin(origin: &Origin, tenant: TenantId) -> Result<Self, UnverifiedCaller> {
        match origin.0 {
            Source::Queue(queue) if queue == queues::PROVISIONING => {
                Err(UnverifiedCaller("work of the provisioner is the platform's"))
            }
            Source::Queue(queue) => {
                Ok(Self { caller: Caller::Machine, tenant, subject: queue.name.to_owned() })
            }
            Source::Stream(table) => {
                Ok(Self { caller: Caller::Machine, tenant, subject: table.to_owned() })
            }
            Source::Schedule => Err(UnverifiedCaller("the schedule is the platform's")),
        }
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Whether a user or a program calls.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Who it is.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// Somebody who runs the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOperator {
    caller: Caller,
    subject: String,
}

impl VerifiedOperator {
    /// The provisioner at work: what is in its queue was asked for by an admin, and its
    /// schedule is the platform's own.
    pub fn from_origin(origin: &Origin) -> Result<Self, UnverifiedCaller> {
        let subject = match origin.0 {
            Source::Queue(queue) if queue == queues::PROVISIONING => queue.name,
            Source::Schedule => "reconcile",
            Source::Queue(_) | Source::Stream(_) => {
                return Err(UnverifiedCaller("this work is a tenant's"));
            }
        };
        Ok(Self { caller: Caller::Admin, subject: subject.to_owned() })
    }

    /// Whether it is an operator or an admin.
    pub fn caller(&self) -> Caller {
        self.caller
    }

    /// Whether they may change the platform, and not only see it.
    pub fn may_change(&self) -> bool {
        self.caller == Caller::Admin
    }

    /// Who it is.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// Where an event came from that no caller sent: one of our own queues or streams. Lambda
/// writes the ARN into each record, and IAM says who may put something in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin(Source);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Queue(Queue),
    Stream(&'static str),
    Schedule,
}

impl Origin {
    /// Reads the `eventSourceARN` of a record. `prefix` is `<project>-<environment>`, of
    /// the variable [`NAME_PREFIX`](crate::names::NAME_PREFIX).
    pub fn parse(arn: &str, prefix: &str) -> Result<Self, UnverifiedCaller> {
        let unknown = UnverifiedCaller(
            "eventSourceARN: expected one of the platform's own queues or streams",
        );
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (scheme, _, service, _, _, resource) = (next(), next(), next(), next(), next(), next());
        let own = |resource: &str, name: &str, end: &str| {
            resource.strip_prefix(prefix).and_then(|it| it.strip_prefix('-'))
                == Some(&format!("{name}{end}"))
        };
        let source = match (scheme, service) {
            _ if prefix.is_empty() => None,
            ("arn", "sqs") => queues::ALL
                .into_iter()
                .find(|queue| own(resource, queue.name, queue.suffix()))
                .map(Source::Queue),
            ("arn", "dynamodb") => {
                let table =
                    resource.strip_prefix("table/").and_then(|it| it.split_once("/stream/"));
                let mut streams =
                    tables::ALL.into_iter().filter(|it| !it.stream_consumers.is_empty());
                table.and_then(|(table, _)| {
                    streams.find(|it| own(table, it.name, "")).map(|it| Source::Stream(it.name))
                })
            }
            _ => None,
        };
        source.map(Self).ok_or(unknown)
    }

    /// The schedule of the provisioner, whose events have no source: IAM lets nobody else
    /// invoke the function.
    pub fn schedule() -> Self {
        Self(Source::Schedule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &[(&str, &str)]) -> Result<Verified, UnverifiedCaller> {
        Verified::from_context(|name| {
            fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn what_the_authoriser_writes_is_read_as_it_was_meant() {
        let acme: TenantId = "acme".parse().unwrap();
        for context in [
            CallerContext::user(acme.clone(), "ada"),
            CallerContext::machine(acme, "key"),
            CallerContext::operator("olga"),
            CallerContext::admin("adam"),
        ] {
            let fields = context.fields();
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (caller, tenant, subject) = match parse(&fields).unwrap() {
                Verified::Tenant(it) => {
                    (it.caller(), Some(it.tenant().clone()), it.subject().to_owned())
                }
                Verified::Staff(it) => {
                    assert_eq!(it.may_change(), it.caller() == Caller::Admin);
                    (it.caller(), None, it.subject().to_owned())
                }
            };
            assert_eq!(CallerContext { caller, tenant, subject }, context);
        }
    }

    #[test]
    fn what_contradicts_itself_lets_nobody_through() {
        let long = "a".repeat(256);
        let wrong: [&[(&str, &str)]; 11] = [
            &[],
            &[("caller", "admin")],
            &[("subject", "ada")],
            &[("caller", "root"), ("subject", "ada")],
            &[("caller", "public"), ("subject", "ada")],
            &[("caller", "Admin"), ("subject", "ada")],
            &[("caller", "admin"), ("subject", "ada"), ("tenant_id", "acme")],
            &[("caller", "tenant"), ("subject", "ada")],
            &[("caller", "tenant"), ("subject", "ada"), ("tenant_id", "../acme")],
            &[("caller", "admin"), ("subject", "")],
            &[("caller", "admin"), ("subject", &long)],
        ];
        for fields in wrong {
            assert!(parse(fields).is_err(), "{fields:?}");
        }
        assert!(parse(&[("caller", "admin"), ("subject", "a\nb")]).is_err());
    }

    #[test]
    fn work_comes_from_our_own_queues_and_streams_alone() {
        let sqs = |name: &str| format!("arn:aws:sqs:eu-west-2:123456789012:{name}");
        let acme = || "acme".parse::<TenantId>().unwrap();
        let jobs = Origin::parse(&sqs("p-dev-jobs"), "p-dev").unwrap();
        assert_eq!(VerifiedCaller::from_origin(&jobs, acme()).unwrap().tenant(), &acme());
        assert!(VerifiedOperator::from_origin(&jobs).is_err());
        let provisioning = Origin::parse(&sqs("p-dev-provisioning.fifo"), "p-dev").unwrap();
        assert!(VerifiedCaller::from_origin(&provisioning, acme()).is_err());
        assert!(VerifiedOperator::from_origin(&provisioning).unwrap().may_change());
        let stream = "arn:aws:dynamodb:eu-west-2:123456789012:table/p-dev-jobs/stream/2026-01-01T00:00:00.000";
        let stream = Origin::parse(stream, "p-dev").unwrap();
        assert_eq!(VerifiedCaller::from_origin(&stream, acme()).unwrap().subject(), "jobs");
        assert!(VerifiedOperator::from_origin(&stream).is_err());
        let schedule = Origin::schedule();
        assert!(VerifiedCaller::from_origin(&schedule, acme()).is_err());
        assert_eq!(VerifiedOperator::from_origin(&schedule).unwrap().subject(), "reconcile");
        for (arn, prefix) in [
            (sqs("p-prod-jobs"), "p-dev"),
            (sqs("x-p-dev-jobs"), "p-dev"),
            (sqs("p-dev-jobs-queue-dead-letters"), "p-dev"),
            (sqs("p-dev-provisioning"), "p-dev"),
            (sqs("-jobs"), ""),
            ("arn:aws:sns:eu-west-2:123456789012:p-dev-jobs".to_owned(), "p-dev"),
            ("arn:aws:dynamodb:eu-west-2:1:table/p-dev-agents/stream/1".to_owned(), "p-dev"),
            ("arn:aws:dynamodb:eu-west-2:1:table/p-dev-jobs".to_owned(), "p-dev"),
            (String::new(), "p-dev"),
        ] {
            assert!(Origin::parse(&arn, prefix).is_err(), "{arn}");
        }
    }
}
