//! The order of the questions: which route, who, may they, for which tenant.

use ring::digest::{SHA256, digest};
use runtime_core::api::{Caller, Route};
use runtime_core::auth::{ADMIN_ROLE, AuthContext, IssuerConfig, OPERATOR_ROLE, usage_key};
use runtime_core::tenant::TenantId;

use crate::clock::Clock;
use crate::config::{Config, ConfigError, address};
use crate::directory::{Directory, Tenants};
use crate::fetch::Fetch;
use crate::jwt::{Claims, Token, kind_name};
use crate::keys::IssuerKeys;
use crate::machine::{Machines, PREFIX as AWS_PREFIX};
use crate::reason::Reason;
use crate::request::{Credential, Request};

/// Decides about requests.
#[derive(Debug)]
pub struct Authoriser<D, F, C> {
    prefix: String,
    issuers: Vec<Issuer>,
    machines: Option<Machines>,
    tenants: Tenants<D>,
    fetch: F,
    clock: C,
}

#[derive(Debug)]
struct Issuer {
    config: IssuerConfig,
    kinds: Vec<String>,
    keys: IssuerKeys,
}

/// A request that is let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Who calls.
    pub context: AuthContext,
    /// The key by which the request counts against the tenant's usage plan.
    pub usage_key: Option<String>,
    /// The route.
    pub route: &'static Route,
}

/// A request that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// Whose credentials they were, once that is known for sure.
    pub tenant: Option<TenantId>,
    /// The route, if there is one.
    pub route: Option<&'static Route>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, tenant: None, route: None }
    }
}

/// Somebody whose credentials are good.
#[derive(Debug)]
pub(crate) enum Principal {
    /// Somebody who runs the platform.
    Staff { caller: Caller, subject: String, scopes: Vec<String> },
    /// Somebody or something of a tenant. The tenant has not been looked at.
    OfTenant {
        caller: Caller,
        tenant: TenantId,
        subject: String,
        scopes: Vec<String>,
        staff_role: bool,
    },
}

impl<D: Directory, F: Fetch, C: Clock> Authoriser<D, F, C> {
    /// An authoriser. Nothing is fetched before it is needed.
    pub fn new(config: Config, directory: D, fetch: F, clock: C) -> Result<Self, ConfigError> {
        let issuer = |config: IssuerConfig| {
            let uri = address(&config).map_err(|message| ConfigError {
                variable: runtime_core::auth::ISSUERS,
                message,
            })?;
            let kinds = config.types.iter().map(|kind| kind_name(kind)).collect();
            Ok(Issuer { config, kinds, keys: IssuerKeys::new(uri) })
        };
        Ok(Self {
            prefix: config.prefix,
            issuers: config.issuers.into_iter().map(issuer).collect::<Result<_, _>>()?,
            machines: config.machines.map(Machines::new),
            tenants: Tenants::new(directory),
            fetch,
            clock,
        })
    }

    /// Whether a request is let through, and as whose.
    pub async fn decide(&self, request: &Request) -> Result<Allowed, Refused> {
        let route = request.route()?;
        let refused = |reason| Refused { reason, tenant: None, route: Some(route) };
        let named = request.tenant(route).map_err(refused);
        let principal = self.principal(request).await.map_err(refused)?;
        match principal {
            Principal::Staff { caller, subject, scopes } => {
                let named = named?;
                if !route.callers.contains(&caller) {
                    return Err(refused(Reason::Caller));
                }
                let context = AuthContext {
                    tenant: named,
                    caller,
                    subject,
                    tier: None,
                    request_id: request.request_context.request_id.clone(),
                    scopes,
                };
                Ok(Allowed { context, usage_key: None, route })
            }
            Principal::OfTenant { caller, tenant, subject, scopes, staff_role } => {
                let refused = |reason| {
                    Err(Refused { reason, tenant: Some(tenant.clone()), route: Some(route) })
                };
                // Before all else: that somebody tried is worth more than why it failed.
                match named {
                    Ok(Some(named)) if named != tenant => return refused(Reason::OtherTenant),
                    Ok(_) => {}
                    Err(error) => return refused(error.reason),
                }
                if !route.callers.contains(&caller) {
                    let reason = if staff_role { Reason::StaffElsewhere } else { Reason::Caller };
                    return refused(reason);
                }
                let state = match self.tenants.get(&tenant, &self.clock).await {
                    Err(reason) => return refused(reason),
                    Ok(None) => return refused(Reason::UnknownTenant),
                    Ok(Some(state)) => state,
                };
                if !state.may_use_platform() {
                    return refused(Reason::InactiveTenant);
                }
                let usage_key = usage_key(&self.prefix, tenant.as_str());
                let context = AuthContext {
                    tenant: Some(tenant),
                    caller,
                    subject,
                    tier: Some(state.tier),
                    request_id: request.request_context.request_id.clone(),
                    scopes,
                };
                Ok(Allowed { context, usage_key: Some(usage_key), route })
            }
        }
    }

    async fn principal(&self, request: &Request) -> Result<Principal, Reason> {
        match request.credential()? {
            Credential::ApiKey(key) => self.api_key(key).await,
            Credential::Bearer(token) => match (token.strip_prefix(AWS_PREFIX), &self.machines) {
                (Some(url), Some(machines)) => {
                    machines.identify(url, &self.fetch, &self.clock).await
                }
                (Some(_), None) => Err(Reason::AwsRequest),
                (None, _) => self.user(token).await,
            },
        }
    }

    /// Who a user's token is for. The signature comes before the claims: what somebody
    /// else wrote does not matter.
    async fn user(&self, text: &str) -> Result<Principal, Reason> {
        let token = Token::parse(text)?;
        let named = token.named_issuer()?;
        let issuer = self.issuers.iter().find(|issuer| issuer.config.issuer == named);
        let issuer = issuer.ok_or(Reason::Issuer)?;
        let config = &issuer.config;
        let algorithm = token.algorithm.filter(|it| config.algorithms.contains(it));
        let algorithm = algorithm.ok_or(Reason::Algorithm)?;
        let kind_fits = match &token.kind {
            Some(kind) => issuer.kinds.contains(kind),
            None => config.type_optional,
        };
        if !kind_fits {
            return Err(Reason::TokenType);
        }
        let keys = issuer.keys.with(&token.key_id, &self.clock, &self.fetch).await?;
        keys.verify(&token.key_id, algorithm, token.signed, &token.signature)?;
        let claims = Claims::check(&token.claims, config, self.clock.now().wall)?;
        principal_of(claims, config)
    }

    async fn api_key(&self, text: &str) -> Result<Principal, Reason> {
        let token: runtime_core::model::ApiKeyToken = text.parse().map_err(|_| Reason::ApiKey)?;
        let state = self.tenants.get(token.tenant(), &self.clock).await?;
        let now = self.clock.now().timestamp().ok_or(Reason::ApiKey)?;
        // That there is no such tenant is told to nobody without a key of it.
        let state = state.ok_or(Reason::ApiKey)?;
        let key = state.key_of(&token, now).ok_or(Reason::ApiKey)?;
        Ok(Principal::OfTenant {
            caller: Caller::Machine,
            tenant: token.tenant().clone(),
            subject: subject("api-key", &format!("{}/{}", token.tenant(), key.id.as_str())),
            scopes: Vec::new(),
            staff_role: false,
        })
    }
}

fn principal_of(claims: Claims, issuer: &IssuerConfig) -> Result<Principal, Reason> {
    let Claims { subject: id, roles, tenant, scopes } = claims;
    let has = |role: &str| roles.iter().any(|it| it == role);
    let role = match (has(ADMIN_ROLE), has(OPERATOR_ROLE)) {
        (true, _) => Some(Caller::Admin),
        (false, true) => Some(Caller::Operator),
        (false, false) => None,
    };
    let subject = subject(&issuer.issuer, &id);
    match (role, tenant) {
        (Some(caller), _) if issuer.staff => Ok(Principal::Staff { caller, subject, scopes }),
        // A tenant's own directory may call a role what it likes.
        (role, Some(tenant)) => Ok(Principal::OfTenant {
            caller: Caller::Tenant,
            tenant: tenant.parse().map_err(|_| Reason::TenantId)?,
            subject,
            scopes,
            staff_role: role.is_some(),
        }),
        (Some(_), None) => Err(Reason::StaffElsewhere),
        (None, None) => Err(Reason::NoTenant),
    }
}

/// A name for somebody that tells nobody who it is: 32 hexadecimal digits.
pub(crate) fn subject(issuer: &str, id: &str) -> String {
    let text = [issuer.as_bytes(), &[0], id.as_bytes()].concat();
    digest(&SHA256, &text).as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
