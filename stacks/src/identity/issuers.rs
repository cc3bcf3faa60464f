//! Who signs users in, where the authoriser reads it.

use super::issuers_path;
use crate::cfn::aws::ssm::{
    self,
    parameter::{Tier, Type},
};
use crate::cfn::{Stack, camel};
use crate::spec::{Issuer, IssuerSpec};

/// One parameter for each value of each issuer. None is a secret: tokens are checked
/// with public keys.
pub(super) fn issuers(stack: &mut Stack, issuers: &[IssuerSpec]) {
    let path = issuers_path(stack.naming());
    for spec in issuers {
        let Issuer { issuer, audience, jwks_url, role_claim } = spec.resolve();
        let values = [
            ("issuer", issuer),
            ("audience", audience),
            ("jwks-url", jwks_url),
            ("role-claim", role_claim),
        ];
        for (field, value) in values {
            let parameter = ssm::Parameter::new(Type::String, value)
                .name(format!("{path}/{}/{field}", spec.name))
                .tier(Tier::Standard);
            stack.add(format!("Issuer{}{}", camel(&spec.name), camel(field)), parameter);
        }
    }
}
