//! A deployed function: called, looked at, and changed for as long as a measurement needs it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus, State};
use serde_json::{Value, json};

use super::report_line;
use super::result::Subject;
use super::sample::{Failure, Inside};
use crate::aws::{Regional, explain};
use crate::error::{Error, Result};
use crate::journal::{Journal, Mask};

/// A variable of the function's environment that is changed to force new execution
/// environments, and taken away afterwards.
pub const VARIABLE: &str = "PLATFORMCTL_BENCH";

/// How long Lambda may take to change a function, and the pause between two looks.
const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_millis(100);

/// How long a call may take beyond the function's own time limit.
const MARGIN: Duration = Duration::from_secs(30);

/// A deployed function.
#[derive(Debug, Clone)]
pub struct Function {
    aws: Regional,
    name: String,
    patience: Duration,
}

impl Function {
    /// A function of a region, and what is known of it.
    pub async fn find(aws: &Regional, name: &str) -> Result<(Self, Subject)> {
        let mut function =
            Self { aws: aws.clone(), name: name.to_owned(), patience: Duration::from_mins(16) };
        let known = function.configuration().await?;
        if let Some(limit) = known.timeout().and_then(|limit| u64::try_from(limit).ok()) {
            function.patience = Duration::from_secs(limit) + MARGIN;
        }
        let number = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
        let subject = Subject {
            name: name.to_owned(),
            memory_mb: number(known.memory_size()),
            timeout_seconds: number(known.timeout()),
            architecture: known.architectures().first().map(|it| it.as_str().to_owned()),
            runtime: known.runtime().map(|it| it.as_str().to_owned()),
            code_sha256: known.code_sha256().map(str::to_owned),
        };
        Ok((function, subject))
    }

    /// Its physical name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls it once. Returns its answer, and what Lambda reports of the call.
    pub async fn call(&self, payload: &Value) -> Result<(Value, Inside), Failure> {
        let body = serde_json::to_vec(payload)
            .map_err(|error| Failure::new("no payload", error.to_string()))?;
        let observed = self.aws.observe(&self.name, body, self.patience).await;
        let observed = observed.map_err(|it| Failure::new(it.kind, it.message))?;
        let answer: Result<Value, _> = serde_json::from_slice(&observed.payload);
        if let Some(kind) = observed.function_error {
            let said = answer.ok().and_then(|it| it["errorMessage"].as_str().map(str::to_owned));
            let said = Mask::default().text(&said.unwrap_or(kind));
            return Err(Failure::new("function error", said));
        }
        let answer = answer.map_err(|error| Failure::new("no JSON", error.to_string()))?;
        Ok((answer, report_line::read(&observed.log_tail)))
    }

    async fn configuration(&self) -> Result<GetFunctionConfigurationOutput> {
        self.aws
            .lambda
            .get_function_configuration()
            .function_name(&self.name)
            .send()
            .await
            .map_err(|error| explain(format!("cannot look at function {}", self.name), error))
    }

    /// Waits until no change of it is under way; returns its configuration.
    async fn settled(&self) -> Result<GetFunctionConfigurationOutput> {
        let begun = Instant::now();
        loop {
            let known = self.configuration().await?;
            let pending = matches!(known.last_update_status(), Some(LastUpdateStatus::InProgress))
                || matches!(known.state(), Some(State::Pending));
            if matches!(known.last_update_status(), Some(LastUpdateStatus::Failed)) {
                let why = known.last_update_status_reason().unwrap_or("no reason given");
                return Err(Error::failed(format!("Lambda did not change {}", self.name))
                    .caused_by(why.to_owned()));
            }
            if !pending {
                return Ok(known);
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::failed(format!(
                    "Lambda has been changing {} for {} s",
                    self.name,
                    PATIENCE.as_secs()
                )));
            }
            tokio::time::sleep(PAUSE.max(begun.elapsed() / 10).min(Duration::from_secs(2))).await;
        }
    }

    /// Sets, or with `None` takes away, the [`VARIABLE`]. False when it was so already.
    async fn set_variable(&self, value: Option<&str>) -> Result<bool> {
        let known = self.settled().await?;
        let variables = known.environment().and_then(|it| it.variables());
        let mut variables: HashMap<String, String> = variables.cloned().unwrap_or_default();
        let before = match value {
            Some(value) => variables.insert(VARIABLE.to_owned(), value.to_owned()),
            None => variables.remove(VARIABLE),
        };
        if before.as_deref() == value {
            return Ok(false);
        }
        let environment = Environment::builder().set_variables(Some(variables)).build();
        self.aws
            .lambda
            .update_function_configuration()
            .function_name(&self.name)
            .environment(environment)
            .send()
            .await
            .map_err(|error| explain(format!("cannot change function {}", self.name), error))?;
        self.settled().await?;
        Ok(true)
    }

    async fn set_memory(&self, memory_mb: u32) -> Result<()> {
        let known = self.settled().await?;
        let wanted = i32::try_from(memory_mb).unwrap_or(i32::MAX);
        if known.memory_size() == Some(wanted) {
            return Ok(());
        }
        self.aws
            .lambda
            .update_function_configuration()
            .function_name(&self.name)
            .memory_size(wanted)
            .send()
            .await
            .map_err(|error| explain(format!("cannot change function {}", self.name), error))?;
        self.settled().await.map(drop)
    }
}

/// Changes of a function that are journaled, and taken back at the end.
#[derive(Debug, Clone)]
pub struct Changes {
    function: Function,
    journal: Arc<Journal>,
}

impl Changes {
    /// Changes that go to a journal.
    pub fn new(function: Function, journal: Arc<Journal>) -> Self {
        Self { function, journal }
    }

    /// Makes sure that the next call meets a new execution environment.
    pub async fn chill(&self, mark: &str) -> Result<()> {
        let detail = json!({ "variable": VARIABLE, "value": mark });
        self.change(detail, self.function.set_variable(Some(mark))).await.map(drop)
    }

    /// Gives it another memory size.
    pub async fn memory(&self, memory_mb: u32) -> Result<()> {
        self.change(json!({ "memory_mb": memory_mb }), self.function.set_memory(memory_mb)).await
    }

    /// Takes away what forces new execution environments, and gives it the memory that it
    /// had, where that is said. Whatever was changed or not: it is as it was then.
    pub async fn restore(&self, memory_mb: Option<u32>) -> Result<()> {
        let detail = json!({ "variable": VARIABLE, "value": null, "memory_mb": memory_mb });
        let work = async {
            self.function.set_variable(None).await?;
            match memory_mb {
                Some(memory_mb) => self.function.set_memory(memory_mb).await,
                None => Ok(()),
            }
        };
        self.change(detail, work).await
    }

    async fn change<T>(&self, detail: Value, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (action, name) = ("lambda:UpdateFunctionConfiguration", self.function.name());
        self.journal.mutate(action, name, detail, work).await
    }
}
