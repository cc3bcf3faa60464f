//! Inputs of the observability stack.

/// Alarms and dashboards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservabilitySpec {
    /// Who is woken: mail addresses and `https://` endpoints, such as that of a paging
    /// service. Default none.
    pub pages: Vec<String>,
    /// Who is told: likewise. Default none.
    pub notices: Vec<String>,
    /// Sessions that may be open at once in the runtime region: the account's quota of
    /// `AgentCore`, "Active session workloads". Default 500, AWS's in most regions.
    /// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html>
    pub session_quota: u32,
    /// Percentage of requests that are traced, 0 to 100. Default 5.
    pub traced_percent: u8,
    /// Monthly cost of everything with the environment's tags in US dollars, which is
    /// announced to `notices` at 80 % and to `pages` when it is exceeded. Default 500.
    pub monthly_usd: u32,
}

impl Default for ObservabilitySpec {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            notices: Vec::new(),
            session_quota: 500,
            traced_percent: 5,
            monthly_usd: 500,
        }
    }
}
