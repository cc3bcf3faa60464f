//! The agentcore stack.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stacks::spec::{self, AgentcoreSpec};

use super::FunctionConfig;

/// Where agents run. What is left out is not made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AgentcoreConfig {
    /// The agents themselves: an image or code, and what it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeConfig>,
    /// What agents remember.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryConfig>,
    /// The way to tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayConfig>,
    /// The functions that look at what passes the gateway, with their sizes:
    /// gateway-request and gateway-response. Only those whose crates are there can be.
    #[schemars(with = "BTreeMap<String, FunctionConfig>")]
    pub functions: BTreeMap<runtime_core::functions::Function, FunctionConfig>,
    /// What becomes of metrics, when agents run in a region of their own.
    pub metrics: MetricsConfig,
}

/// The agents themselves.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeConfig {
    /// An image for arm64 in ECR, such as
    /// 111122223333.dkr.ecr.eu-west-1.amazonaws.com/agents:1.4.0. Either it or code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// A zip in a bucket of the runtime region. Either it or an image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeConfig>,
    /// The models that agents may call: ids of models or of inference profiles, such as
    /// eu.amazon.nova-lite-v1:0, or their ARNs.
    pub models: Vec<String>,
    /// Environment variables. No secrets.
    pub environment: BTreeMap<String, String>,
    /// Seconds after which an idle session ends.
    #[schemars(range(min = 60, max = 28800))]
    pub idle_seconds: u32,
    /// Seconds after which any session ends.
    #[schemars(range(min = 60, max = 28800))]
    pub longest_seconds: u32,
    /// Days that logs are kept; a value that CloudWatch Logs accepts, such as 7, 30 or 365.
    pub log_retention_days: u32,
}

/// A zip in a bucket of the runtime region.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeConfig {
    /// The bucket's name.
    pub bucket: String,
    /// The zip's key.
    pub key: String,
    /// What runs it.
    pub language: Language,
    /// The command: one or two words, such as [main.py].
    #[schemars(length(min = 1, max = 2))]
    pub command: Vec<String>,
}

/// What runs code that is no image.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    /// Python 3.12.
    #[serde(rename = "python3.12")]
    Python312,
    /// Python 3.13.
    #[serde(rename = "python3.13")]
    Python313,
    /// Python 3.14.
    #[serde(rename = "python3.14")]
    Python314,
    /// Node.js 22.
    #[serde(rename = "nodejs22")]
    Node22,
}

/// What agents remember.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Days after which events of conversations are forgotten.
    #[schemars(range(min = 3, max = 365))]
    pub event_days: u32,
    /// What is drawn from events and kept.
    pub strategies: Vec<Strategy>,
}

/// What is drawn from conversations and kept beyond them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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

/// The way to tools.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Whose tokens are accepted. Left out: callers sign with IAM credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenConfig>,
    /// Whether agents search tools by meaning and not get the list of all.
    pub semantic_search: bool,
}

/// Whose tokens (JSON Web Tokens) are accepted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenConfig {
    /// The issuer's discovery document: an https URL that ends with
    /// /.well-known/openid-configuration.
    pub discovery_url: String,
    /// Audiences (aud), of which a token has to have one.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Clients, of which a token has to name one.
    #[serde(default)]
    pub clients: Vec<String>,
}

/// What becomes of metrics, when agents run in a region of their own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsConfig {
    /// Whether they are copied to a bucket of the home region.
    pub keep: bool,
    /// Days that the copies are kept.
    #[schemars(range(min = 1, max = 3653))]
    pub keep_days: u32,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        let spec = spec::RuntimeSpec::default();
        Self {
            image: spec.image,
            code: None,
            models: spec.models,
            environment: spec.environment,
            idle_seconds: spec.idle_seconds,
            longest_seconds: spec.longest_seconds,
            log_retention_days: spec.log_retention_days,
        }
    }
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self { event_days: spec::MemorySpec::default().event_days, strategies: Vec::new() }
    }
}

impl Default for MetricsConfig {
    fn default() -> Self {
        let spec::MetricsSpec { keep, keep_days } = spec::MetricsSpec::default();
        Self { keep, keep_days }
    }
}

impl AgentcoreConfig {
    /// The inputs of synthesis.
    pub fn spec(&self) -> AgentcoreSpec {
        let functions = self.functions.iter().map(|(function, it)| (*function, it.spec()));
        AgentcoreSpec {
            runtime: self.runtime.as_ref().map(RuntimeConfig::spec),
            memory: self.memory.as_ref().map(MemoryConfig::spec),
            gateway: self.gateway.as_ref().map(GatewayConfig::spec),
            functions: functions.collect(),
            metrics: spec::MetricsSpec {
                keep: self.metrics.keep,
                keep_days: self.metrics.keep_days,
            },
        }
    }
}

impl RuntimeConfig {
    fn spec(&self) -> spec::RuntimeSpec {
        spec::RuntimeSpec {
            image: self.image.clone(),
            code: self.code.as_ref().map(CodeConfig::spec),
            models: self.models.clone(),
            environment: self.environment.clone(),
            idle_seconds: self.idle_seconds,
            longest_seconds: self.longest_seconds,
            log_retention_days: self.log_retention_days,
        }
    }
}

impl CodeConfig {
    fn spec(&self) -> spec::CodeSpec {
        spec::CodeSpec {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            language: match self.language {
                Language::Python312 => spec::Language::Python312,
                Language::Python313 => spec::Language::Python313,
                Language::Python314 => spec::Language::Python314,
                Language::Node22 => spec::Language::Node22,
            },
            command: self.command.clone(),
        }
    }
}

impl MemoryConfig {
    fn spec(&self) -> spec::MemorySpec {
        let strategy = |strategy: &Strategy| match strategy {
            Strategy::Facts => spec::Strategy::Facts,
            Strategy::Summaries => spec::Strategy::Summaries,
            Strategy::Preferences => spec::Strategy::Preferences,
            Strategy::Episodes => spec::Strategy::Episodes,
        };
        spec::MemorySpec {
            event_days: self.event_days,
            strategies: self.strategies.iter().map(strategy).collect(),
        }
    }
}

impl GatewayConfig {
    fn spec(&self) -> spec::GatewaySpec {
        spec::GatewaySpec {
            tokens: self.tokens.as_ref().map(|tokens| spec::TokenSpec {
                discovery_url: tokens.discovery_url.clone(),
                audiences: tokens.audiences.clone(),
                clients: tokens.clients.clone(),
            }),
            semantic_search: self.semantic_search,
        }
    }
}
