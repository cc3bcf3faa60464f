//! Finds a queue and what it says of itself.

use std::collections::HashMap;

use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::QueueAttributeName as Name;
use runtime_core::queues;
use serde::Serialize;

use super::broker::Depth;
use super::name::{DeadLetters, Named, address, known, parse};
use crate::aws::{Regional, Regions, explain, has_code};
use crate::error::{Error, Result};

/// A queue that exists.
#[derive(Debug, Clone, Serialize)]
pub struct FoundQueue {
    /// Its physical name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Its URL.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// Whether messages of a group stay in order.
    pub ordered: bool,
    /// How many messages it has, about.
    pub depth: Depth,
    /// Where messages go that are received too often, and how often that is; a queue of
    /// dead letters should not have one.
    pub redrives_to: Option<(String, u64)>,
    /// How long a message stays, in seconds.
    pub retention_seconds: u64,
    /// What it is to the platform; none: not one of the platform's.
    #[serde(skip)]
    pub known: Option<DeadLetters>,
}

/// The queue that `text` names, of an environment whose names begin with `prefix`.
pub async fn find(aws: &Regions, prefix: &str, text: &str) -> Result<FoundQueue> {
    match parse(text, prefix)? {
        Named::Known(found) => {
            let name = found.physical(prefix);
            for region in aws.names() {
                if let Some(queue) = look_up(aws.of(region)?, &name, None).await? {
                    return Ok(FoundQueue { known: Some(found), ..queue });
                }
            }
            Err(Error::failed(format!("there is no queue {name} in {}", aws.names().join(" or ")))
                .hint("deploy the stack that makes it; `platformctl ops dlq-list` lists what is there"))
        }
        Named::Address { name, account, region } => {
            let region = region.unwrap_or_else(|| aws.home().region.clone());
            let found = look_up(aws.of(&region)?, &name, account.as_deref()).await?;
            let found = found.ok_or_else(|| {
                Error::failed(format!("there is no queue {name} in {region}"))
                    .hint("its URL or ARN names another region, or another account")
            })?;
            let ours = known().into_iter().find(|it| it.physical(prefix) == name);
            Ok(FoundQueue { known: ours, ..found })
        }
    }
}

/// The platform's queues of dead letters that exist.
pub async fn all(aws: &Regions, prefix: &str) -> Result<Vec<FoundQueue>> {
    let mut found = Vec::new();
    for known in known() {
        for region in aws.names() {
            let queue = look_up(aws.of(region)?, &known.physical(prefix), None).await?;
            found.extend(queue.map(|it| FoundQueue { known: Some(known.clone()), ..it }));
        }
    }
    Ok(found)
}

/// The queue that `text` names to send to: a queue of work of the platform, or any, by its
/// name, URL or ARN. In the region of `aws`.
pub async fn find_target(aws: &Regional, prefix: &str, text: &str) -> Result<FoundQueue> {
    let work = queues::ALL.iter().find(|queue| queue.name == text);
    let (name, account) = match work {
        Some(queue) => (format!("{prefix}-{}{}", queue.name, queue.suffix()), None),
        None => match address(text)? {
            Some((_, _, Some(region))) if region != aws.region => {
                return Err(Error::usage(format!("{text} is not in {}", aws.region))
                    .hint("messages are moved within a region"));
            }
            Some((name, account, _)) => (name, account),
            None => (text.to_owned(), None),
        },
    };
    look_up(aws, &name, account.as_deref()).await?.ok_or_else(|| {
        Error::usage(format!("there is no queue {name} in {}", aws.region))
            .hint(format!("queues of work: {}", queues::ALL.map(|queue| queue.name).join(", ")))
    })
}

/// The queue called `name`, if there is one.
pub(super) async fn look_up(
    aws: &Regional,
    name: &str,
    account: Option<&str>,
) -> Result<Option<FoundQueue>> {
    let call = aws.sqs.get_queue_url().queue_name(name);
    let answer = call.set_queue_owner_aws_account_id(account.map(str::to_owned)).send().await;
    let url = match answer {
        Ok(found) => found.queue_url().unwrap_or_default().to_owned(),
        Err(error)
            if error.as_service_error().is_some_and(GetQueueUrlError::is_queue_does_not_exist)
                || has_code(&error, "AWS.SimpleQueueService.NonExistentQueue") =>
        {
            return Ok(None);
        }
        Err(error) => return Err(explain(format!("cannot look up queue {name}"), error)),
    };
    let answer = aws.sqs.get_queue_attributes().queue_url(&url).attribute_names(Name::All);
    let answer = answer
        .send()
        .await
        .map_err(|error| explain(format!("cannot read the attributes of queue {name}"), error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let get = |name: &Name| attributes.get(name).map(String::as_str);
    Ok(Some(FoundQueue {
        name: name.to_owned(),
        region: aws.region.clone(),
        url,
        arn: get(&Name::QueueArn).unwrap_or_default().to_owned(),
        ordered: get(&Name::FifoQueue) == Some("true"),
        depth: depth(&attributes),
        redrives_to: get(&Name::RedrivePolicy).and_then(redrives_to),
        retention_seconds: number(&attributes, &Name::MessageRetentionPeriod),
        known: None,
    }))
}

/// The counts among a queue's attributes.
pub(super) fn depth(attributes: &HashMap<Name, String>) -> Depth {
    Depth {
        visible: number(attributes, &Name::ApproximateNumberOfMessages),
        hidden: number(attributes, &Name::ApproximateNumberOfMessagesNotVisible),
        delayed: number(attributes, &Name::ApproximateNumberOfMessagesDelayed),
    }
}

fn number(attributes: &HashMap<Name, String>, name: &Name) -> u64 {
    attributes.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn redrives_to(policy: &str) -> Option<(String, u64)> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let target = policy["deadLetterTargetArn"].as_str()?.to_owned();
    let count = &policy["maxReceiveCount"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    Some((target, count))
}

/// The queues whose dead letters go to `queue`: that of the platform, or those that SQS
/// names.
pub async fn sources(aws: &Regional, prefix: &str, queue: &FoundQueue) -> Result<Vec<FoundQueue>> {
    if let Some(known) = &queue.known {
        let Some(name) = known.physical_source(prefix) else { return Ok(Vec::new()) };
        return Ok(look_up(aws, &name, None).await?.into_iter().collect());
    }
    let mut pages = aws
        .sqs
        .list_dead_letter_source_queues()
        .queue_url(&queue.url)
        .into_paginator()
        .items()
        .send();
    let mut found = Vec::new();
    while let Some(url) = pages.next().await {
        let url = match url {
            Ok(url) => url,
            // Emulators do not know it.
            Err(error) if has_code(&error, "InvalidAction") => break,
            Err(error) => {
                let what =
                    format!("cannot list the queues that use {} for dead letters", queue.name);
                return Err(explain(what, error));
            }
        };
        if let Some(name) = url.rsplit('/').next() {
            found.extend(look_up(aws, name, None).await?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_has_its_count_as_number_or_text() {
        let of = |count: &str| {
            redrives_to(&format!(
                r#"{{"deadLetterTargetArn": "arn:x", "maxReceiveCount": {count}}}"#
            ))
        };
        assert_eq!(of("3"), Some(("arn:x".to_owned(), 3)));
        assert_eq!(of("\"5\""), Some(("arn:x".to_owned(), 5)));
        assert_eq!(redrives_to(""), None);
    }
}
