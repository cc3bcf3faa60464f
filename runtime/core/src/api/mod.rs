//! The HTTP API: its routes and what they carry.
//!
//! [`ROUTES`] is the one list. The stacks make the API from it, functions find
//! themselves in it, and [`openapi`] describes it to everybody else.

use crate::functions::Function;

mod operations;
mod routes;
mod types;

#[cfg(feature = "openapi")]
pub mod openapi;

pub use operations::*;
pub use routes::ROUTES;
pub use types::*;

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path with its parameters in braces, such as `/v1/tenants/{id}`.
    pub path: &'static str,
    /// Its name, unique and stable: the operation id.
    pub operation: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Who answers; nobody: the gateway itself.
    pub function: Option<Function>,
    /// Who may call it.
    pub callers: &'static [Caller],
    /// The class of its limits.
    pub throttle: Throttle,
    /// The name of the schema of its body.
    pub request: Option<&'static str>,
    /// The status of success.
    pub status: u16,
    /// The name of the schema of a successful answer.
    pub response: Option<&'static str>,
    /// What else callers have to know.
    pub traits: Traits,
}

/// What else callers have to know of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traits {
    /// It answers in pages: `limit` and `cursor` in the query.
    pub paged: bool,
    /// What it is about has versions: `ETag` in the answer, `If-Match` in changes.
    pub versioned: bool,
    /// A second request with the same `Idempotency-Key` has no second effect.
    pub idempotent: bool,
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes, or makes happen.
    Post,
    /// Makes or replaces.
    Put,
    /// Changes in part.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Caller {
    /// Anybody, without a token.
    Public,
    /// A user of a tenant, for that tenant alone.
    Tenant,
    /// A program of a tenant, for that tenant alone.
    Machine,
    /// Somebody who runs the platform: sees all tenants, changes none.
    Operator,
    /// Somebody who runs the platform and may change it.
    Admin,
}

impl Caller {
    /// Those who showed who they are.
    pub const KNOWN: [Self; 4] = [Self::Tenant, Self::Machine, Self::Operator, Self::Admin];

    /// The name, as a token's claim has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Tenant => "tenant",
            Self::Machine => "machine",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// The classes of limits. Limits hold for each route, of all tenants together; those of
/// a tenant come with its tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Throttle {
    /// It reads.
    Read,
    /// It changes something.
    Write,
    /// It makes an agent work.
    Invoke,
    /// It is for those who run the platform.
    Operate,
}

impl Route {
    /// Whether a caller has to show who they are.
    pub fn authorised(&self) -> bool {
        !self.callers.contains(&Caller::Public)
    }

    /// The names of the parameters in its path.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }
}
