//! The platform's functions.

use serde::{Deserialize, Serialize};

/// A function of the platform. Its short name is that of its crate under `runtime/`
/// and of its zip; a deployed one is called `<project>-<environment>-<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// Keeps wikis as git repositories on the shared file system.
    GitStore,
    /// Decides who may call the API.
    Authoriser,
    /// Answers the API's requests about tenants and what is theirs.
    TenantApi,
    /// Makes and changes the stacks of siloed tenants.
    Provisioner,
    /// Carries invocations between the API and the agents' runtime.
    Bridge,
    /// Runs asynchronous jobs.
    Jobs,
    /// Delivers webhooks.
    Webhooks,
    /// Offers tools to agents.
    Mcp,
    /// Looks at every request that agents send to a tool.
    GatewayRequest,
    /// Looks at every response that a tool sends to an agent.
    GatewayResponse,
}

impl Function {
    /// Every function.
    pub const ALL: [Self; 10] = [
        Self::GitStore,
        Self::Authoriser,
        Self::TenantApi,
        Self::Provisioner,
        Self::Bridge,
        Self::Jobs,
        Self::Webhooks,
        Self::Mcp,
        Self::GatewayRequest,
        Self::GatewayResponse,
    ];

    /// Those whose crates are under `runtime/`: only they can be deployed.
    pub const BUILT: [Self; 4] =
        [Self::GitStore, Self::Authoriser, Self::TenantApi, Self::Provisioner];

    /// The short name, such as `git-store`.
    ///
    /// ```
    /// use runtime_core::functions::Function;
    ///
    /// assert_eq!(Function::GitStore.name(), runtime_core::names::GIT_STORE);
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitStore => crate::names::GIT_STORE,
            Self::Authoriser => "authoriser",
            Self::TenantApi => "tenant-api",
            Self::Provisioner => "provisioner",
            Self::Bridge => "bridge",
            Self::Jobs => "jobs",
            Self::Webhooks => "webhooks",
            Self::Mcp => "mcp",
            Self::GatewayRequest => "gateway-request",
            Self::GatewayResponse => "gateway-response",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_written_by_its_name() {
        for function in Function::ALL {
            let written = serde_json::to_value(function).unwrap();
            assert_eq!(written, function.name());
        }
    }

    #[test]
    fn what_is_built_has_a_crate() {
        let runtime = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for function in Function::ALL {
            let exists = runtime.join(function.name()).join("Cargo.toml").is_file();
            assert_eq!(exists, Function::BUILT.contains(&function), "{}", function.name());
        }
    }
}
