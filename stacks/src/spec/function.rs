//! What can be chosen for every function.

/// Instruction set of the Lambda functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Architecture {
    /// `arm64`, the default on AWS.
    #[default]
    Arm64,
    /// `x86_64`.
    X86_64,
}

/// Sizes and limits of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionSpec {
    /// Memory in MB, 128 to 10,240. Default 512.
    pub memory_mb: u32,
    /// Time limit in seconds, 5 to 900. Default 30.
    pub timeout_seconds: u32,
    /// Most concurrent executions. Default 10.
    pub reserved_concurrency: u32,
    /// Executions kept warm; they cost money while idle. Default 0.
    pub provisioned_concurrency: u32,
    /// Days that logs are kept; one of the values CloudWatch Logs accepts. Default 30.
    pub log_retention_days: u32,
    /// Another version that takes a share of the calls. Default none.
    pub routing: Option<Routing>,
}

/// A share of the calls for another version than the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// Number of the version.
    pub version: u32,
    /// Its share of the calls in percent, 1 to 99.
    pub percent: u8,
}

impl Default for FunctionSpec {
    fn default() -> Self {
        Self {
            memory_mb: 512,
            timeout_seconds: 30,
            reserved_concurrency: 10,
            provisioned_concurrency: 0,
            log_retention_days: 30,
            routing: None,
        }
    }
}
