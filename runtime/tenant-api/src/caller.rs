//! Who calls: from what the authoriser wrote, and from nothing that callers can write.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap};
use lambda_http::request::RequestContext;
use runtime_core::api::Caller;
use runtime_core::auth::TENANT_HEADER;
use runtime_core::caller::{CALLER, UnverifiedCaller, Verified, VerifiedCaller, VerifiedOperator};
use runtime_core::tables::TENANT_ID;

use crate::problem::Problem;

/// The request's id, as the gateway numbers it.
pub(crate) fn request_id(extensions: &Extensions) -> Option<String> {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV1(context)) => context.request_id.clone(),
        _ => None,
    }
}

/// Reads the authoriser's context. Staff belong to no tenant: the one that a request of
/// theirs is about stands in its path.
pub(crate) fn verified(extensions: &Extensions) -> Option<Result<Verified, UnverifiedCaller>> {
    let Some(RequestContext::ApiGatewayV1(context)) = extensions.get::<RequestContext>() else {
        return None;
    };
    let fields = &context.authorizer.fields;
    let field = |name: &str| fields.get(name).and_then(serde_json::Value::as_str);
    let staff = [Caller::Operator, Caller::Admin].map(Caller::name);
    let is_staff = field(CALLER).is_some_and(|name| staff.contains(&name));
    Some(Verified::from_context(|name| field(name).filter(|_| !(is_staff && name == TENANT_ID))))
}

/// Whether what a request says in [`TENANT_HEADER`] is what the authoriser decided about:
/// the gateway remembers decisions, and does not look at this header when it does.
pub(crate) fn agrees(extensions: &Extensions, headers: &HeaderMap) -> bool {
    let Some(named) = headers.get(TENANT_HEADER) else { return true };
    let Some(RequestContext::ApiGatewayV1(context)) = extensions.get::<RequestContext>() else {
        return false;
    };
    let decided = context.authorizer.fields.get(TENANT_ID).and_then(serde_json::Value::as_str);
    decided.is_some_and(|it| it.as_bytes() == named.as_bytes())
}

/// What the caller is.
pub(crate) fn kind(verified: &Verified) -> Caller {
    match verified {
        Verified::Tenant(caller) => caller.caller(),
        Verified::Staff(operator) => operator.caller(),
    }
}

/// Whoever it is.
#[derive(Debug, Clone)]
pub(crate) struct Anyone(pub Verified);

/// A tenant's user or program.
#[derive(Debug, Clone)]
pub(crate) struct OfTenant(pub VerifiedCaller);

/// Somebody who runs the platform.
#[derive(Debug, Clone)]
pub(crate) struct Staff(pub VerifiedOperator);

impl<S: Sync> FromRequestParts<S> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::forbidden)
    }
}

impl<S: Sync> FromRequestParts<S> for OfTenant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Anyone::from_request_parts(parts, state).await?.0 {
            Verified::Tenant(caller) => Ok(Self(caller)),
            Verified::Staff(_) => Err(Problem::forbidden()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Anyone::from_request_parts(parts, state).await?.0 {
            Verified::Staff(operator) => Ok(Self(operator)),
            Verified::Tenant(_) => Err(Problem::forbidden()),
        }
    }
}

/// The request's id, for what is recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestId(pub String);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(request_id(&parts.extensions).unwrap_or_default()))
    }
}
