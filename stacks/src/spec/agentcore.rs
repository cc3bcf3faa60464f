//! Inputs of the agentcore stack.

use std::collections::BTreeMap;

use runtime_core::functions::Function;

use super::FunctionSpec;

/// Where agents run. By default nothing is made, and there is no stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgentcoreSpec {
    /// The agents themselves. Default none.
    pub runtime: Option<RuntimeSpec>,
    /// What agents remember. Default none.
    pub memory: Option<MemorySpec>,
    /// The way to tools. Default none.
    pub gateway: Option<GatewaySpec>,
    /// The functions that look at what passes the gateway, with their sizes. Default none;
    /// [`Function::GatewayRequest`] and [`Function::GatewayResponse`] are possible, once
    /// they are among [`Function::BUILT`].
    pub functions: BTreeMap<Function, FunctionSpec>,
    /// What becomes of metrics, when agents run in a region of their own.
    pub metrics: MetricsSpec,
}

impl AgentcoreSpec {
    /// Whether there is anything to make.
    pub fn is_empty(&self) -> bool {
        self.runtime.is_none() && self.memory.is_none() && self.gateway.is_none()
    }
}

/// The agents: an image or code, and what it may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeSpec {
    /// An image for arm64 in ECR, such as
    /// `111122223333.dkr.ecr.eu-west-1.amazonaws.com/agents:1.4.0`. Either it or code.
    pub image: Option<String>,
    /// Code that is no image. Either it or an image.
    pub code: Option<CodeSpec>,
    /// The models it may call: ids of models (`amazon.nova-lite-v1:0`) or of inference
    /// profiles (`eu.amazon.nova-lite-v1:0`), or ARNs of either. Default none.
    pub models: Vec<String>,
    /// Environment variables; no secrets. Default none.
    pub environment: BTreeMap<String, String>,
    /// Seconds after which an idle session ends, 60 to 28,800. Default 900.
    pub idle_seconds: u32,
    /// Seconds after which any session ends, 60 to 28,800. Default 28,800.
    pub longest_seconds: u32,
    /// Days that logs are kept; one of the values CloudWatch Logs accepts. Default 30.
    pub log_retention_days: u32,
}

impl Default for RuntimeSpec {
    fn default() -> Self {
        Self {
            image: None,
            code: None,
            models: Vec::new(),
            environment: BTreeMap::new(),
            idle_seconds: 900,
            longest_seconds: 28_800,
            log_retention_days: 30,
        }
    }
}

/// A zip in an S3 bucket of the runtime region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeSpec {
    /// The bucket's name.
    pub bucket: String,
    /// The zip's key.
    pub key: String,
    /// What runs it.
    pub language: Language,
    /// The command, one or two words, such as `opentelemetry-instrument`, `main.py`.
    pub command: Vec<String>,
}

/// What runs code that is no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Python 3.12.
    Python312,
    /// Python 3.13.
    Python313,
    /// Python 3.14.
    Python314,
    /// Node.js 22.
    Node22,
}

/// What agents remember.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemorySpec {
    /// Days after which events of conversations are forgotten, 3 to 365. Default 30.
    pub event_days: u32,
    /// What is drawn from events and kept. Default none: events alone.
    pub strategies: Vec<Strategy>,
}

impl Default for MemorySpec {
    fn default() -> Self {
        Self { event_days: 30, strategies: Vec::new() }
    }
}

/// What is drawn from conversations and kept beyond them. Records lie under the actor whose
/// they are, and agents name the actor in every call: `<tenant>/<user>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// Facts, for search by meaning.
    Facts,
    /// A summary of each session.
    Summaries,
    /// What a user likes.
    Preferences,
    /// What was done, how it went, and what to learn from it.
    Episodes,
}

impl Strategy {
    /// Its name in a memory: letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Facts => "facts",
            Self::Summaries => "summaries",
            Self::Preferences => "preferences",
            Self::Episodes => "episodes",
        }
    }
}

/// The way to tools.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewaySpec {
    /// Whose tokens are accepted. Default none: callers sign with IAM credentials.
    pub tokens: Option<TokenSpec>,
    /// Whether agents search tools by meaning and not get the list of all. Default false.
    pub semantic_search: bool,
}

/// Whose tokens (JSON Web Tokens) are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenSpec {
    /// The issuer's discovery document: an https URL that ends with
    /// `/.well-known/openid-configuration`.
    pub discovery_url: String,
    /// Audiences (`aud`), of which a token has to have one. Default none: not looked at.
    pub audiences: Vec<String>,
    /// Clients (`client_id`), of which a token has to name one. Default none: not looked at.
    pub clients: Vec<String>,
}

/// What becomes of metrics, when agents run in a region of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsSpec {
    /// Whether they are copied to a bucket of the home region. Default true.
    pub keep: bool,
    /// Days that the copies are kept. Default 400: a year, and the month to compare.
    pub keep_days: u32,
}

impl Default for MetricsSpec {
    fn default() -> Self {
        Self { keep: true, keep_days: 400 }
    }
}
