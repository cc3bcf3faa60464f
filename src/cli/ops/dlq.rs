//! What the verbs about dead letters share.

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::Ctx;
use crate::cli::context::Connection;
use crate::config::Settings;
use crate::deploy::{audit_bucket, bucket_exists};
use crate::error::{Error, Result};
use crate::ops::dlq::{self, FoundQueue, Selection, Sqs};

/// A queue of dead letters, and what was needed to find it.
pub(super) struct Opened {
    pub settings: Settings,
    pub connection: Connection,
    /// `<project>-<environment>`.
    pub prefix: String,
    pub queue: FoundQueue,
}

impl Opened {
    /// Connects and finds the queue that `name` names.
    pub(super) async fn connect(ctx: &Ctx, name: &str) -> Result<Self> {
        let settings = ctx.settings()?;
        let prefix = prefix(&settings);
        // What cannot be a name is said before anybody is asked.
        dlq::parse(name, &prefix)?;
        let connection = ctx.connect(&settings).await?;
        let queue = dlq::find(&connection.aws, &prefix, name).await?;
        Ok(Self { settings, connection, prefix, queue })
    }

    /// The broker of the queue, with the queue that its letters go to.
    pub(super) fn broker(
        &self,
        target: Option<&FoundQueue>,
        bucket: Option<String>,
    ) -> Result<Sqs> {
        let home = self.connection.aws.home();
        Ok(Sqs {
            aws: self.connection.aws.of(&self.queue.region)?.clone(),
            url: self.queue.url.clone(),
            target: target.map(|target| target.url.clone()),
            function: None,
            archive: bucket.map(|bucket| (home.clone(), bucket)),
        })
    }

    /// The bucket of archives: that of the audit trail, which is encrypted, kept for as long
    /// as the audit trail, and from which nobody deletes before.
    pub(super) async fn bucket(&self) -> Result<String> {
        let naming = self.settings.config.spec().naming();
        let bucket = audit_bucket(&naming, &self.connection.identity.account);
        if bucket_exists(self.connection.aws.home(), &bucket).await? {
            return Ok(bucket);
        }
        Err(Error::failed(format!("there is no bucket {bucket} for what leaves the queue"))
            .hint("deploy it: `platformctl deploy platform`"))
    }

    /// Its short name, or that of a queue that is not the platform's.
    pub(super) fn name(&self) -> &str {
        self.queue.known.as_ref().map_or(&self.queue.name, |known| &known.name)
    }

    /// The function that handles what the queue's letters were, if one does.
    pub(super) fn function(&self) -> Option<&'static str> {
        self.queue.known.as_ref()?.function.map(runtime_core::functions::Function::name)
    }

    /// What to hide while its letters are looked at.
    pub(super) fn part(&self) -> String {
        format!("dlq-{}", self.queue.name)
    }
}

/// What every name of the environment begins with.
pub(super) fn prefix(settings: &Settings) -> String {
    format!("{}-{}", settings.config.project, settings.config.environment)
}

/// Which messages are meant.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
pub(super) struct SelectionArgs {
    /// Only messages for which this JMESPath expression holds, over body, attributes,
    /// `message_attributes`, tenant, error, function, `age_seconds`, `redrive_count`,
    /// `receive_count` and id
    #[arg(long, value_name = "JMESPATH")]
    filter: Option<String>,
    /// Only messages about this tenant
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
    /// Only messages first sent at least this long ago, such as 2h
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only messages first sent at most this long ago, such as 30m
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    newer_than: Option<Duration>,
}

impl SelectionArgs {
    /// The selection. An error when the filter is no expression.
    pub(super) fn selection(&self) -> Result<Selection> {
        let Self { filter, tenant, older_than, newer_than } = self.clone();
        let selection = Selection { filter, tenant, older_than, newer_than };
        selection.selector()?;
        Ok(selection)
    }
}

/// Seconds as people say them, in two units at most.
pub(super) fn span(seconds: Option<u64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    let text = humantime::format_duration(Duration::from_secs(seconds)).to_string();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Whole seconds from one to twelve hours, as SQS hides messages.
pub(super) fn visibility(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (1..=43_200).contains(&time.as_secs()) {
        return Ok(time);
    }
    Err("a message is hidden for 1s to 12h".to_owned())
}
