//! Why a request is refused.

use serde::Serialize;

/// What the gateway answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// 401: nobody we know. Another token may help.
    Unauthorised,
    /// 403: somebody we know, who may not.
    Denied,
    /// 503: what we need to know is out of reach. Later may help.
    Unavailable,
}

macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident: $code:literal, $outcome:ident;)*) => {
        /// Why a request is refused. The code is for logs and metrics; callers hear the
        /// [`Outcome`] alone.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$meta])* $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its code, such as `expired`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What the gateway answers.
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$name => Outcome::$outcome,)* }
            }
        }
    };
}

reasons! {
    /// The event is not one of API Gateway.
    Event: "event", Unavailable;
    /// There is neither a token nor a key.
    NoCredential: "no-credential", Unauthorised;
    /// There are several: which one counts would be a guess.
    SeveralCredentials: "several-credentials", Unauthorised;
    /// The token is longer than any of ours.
    TooLong: "too-long", Unauthorised;
    /// It is no token: parts, base64 or JSON are wrong.
    Malformed: "malformed", Unauthorised;
    /// The token brings its key along.
    KeyInToken: "key-in-token", Unauthorised;
    /// The token wants to be treated in a way that we do not know.
    CriticalHeader: "critical-header", Unauthorised;
    /// The token's header has a member that is not for us.
    UnknownHeader: "unknown-header", Unauthorised;
    /// The token is of another type.
    TokenType: "token-type", Unauthorised;
    /// The algorithm is not one that the issuer may sign with.
    Algorithm: "algorithm", Unauthorised;
    /// Nobody is configured who would have issued it.
    Issuer: "issuer", Unauthorised;
    /// The issuer has no such key.
    UnknownKey: "unknown-key", Unauthorised;
    /// The key is not one for this algorithm.
    KeyMismatch: "key-mismatch", Unauthorised;
    /// Somebody else signed it, or it was changed.
    Signature: "signature", Unauthorised;
    /// A claim is missing or of another kind.
    Claims: "claims", Unauthorised;
    /// It is for somebody else.
    Audience: "audience", Unauthorised;
    /// It has expired.
    Expired: "expired", Unauthorised;
    /// It is not valid yet.
    NotYetValid: "not-yet-valid", Unauthorised;
    /// It was issued in the future, or for too long.
    IssueTime: "issue-time", Unauthorised;
    /// It is no API key, or no good one.
    ApiKey: "api-key", Unauthorised;
    /// It is no request to STS that we would send.
    AwsRequest: "aws-request", Unauthorised;
    /// STS does not know who signed it.
    AwsIdentity: "aws-identity", Unauthorised;
    /// Whoever signed it is not a tenant's program.
    AwsRole: "aws-role", Denied;
    /// There is no such route.
    Route: "route", Denied;
    /// The route is not for such callers.
    Caller: "caller", Denied;
    /// The route is for staff, and the role comes from an issuer whose roles do not count.
    StaffElsewhere: "staff-elsewhere", Denied;
    /// The token has neither a tenant nor a role.
    NoTenant: "no-tenant", Denied;
    /// What stands for the tenant is not the id of one.
    TenantId: "tenant-id", Denied;
    /// Path or header name another tenant.
    OtherTenant: "other-tenant", Denied;
    /// There is no such tenant.
    UnknownTenant: "unknown-tenant", Denied;
    /// The tenant may not use the platform.
    InactiveTenant: "inactive-tenant", Denied;
    /// The issuer's keys are out of reach.
    KeysUnavailable: "keys-unavailable", Unavailable;
    /// The tenants are out of reach.
    TenantsUnavailable: "tenants-unavailable", Unavailable;
    /// STS is out of reach.
    AwsUnavailable: "aws-unavailable", Unavailable;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::BTreeSet<_> =
            Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
