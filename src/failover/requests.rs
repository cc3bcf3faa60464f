//! Requests to move agents, which the platform's API takes and nobody there carries out.

use aws_sdk_dynamodb::types::AttributeValue;
use runtime_core::model::{FailoverRequest, Fulfilled, Item as _, Listing, Partition, REVISION};
use runtime_core::tables::OPERATIONS;

use crate::aws::{Regional, explain, has_code};
use crate::error::{Context as _, Error, Result};

/// The table of the home region that holds them.
#[derive(Debug)]
pub struct Requests<'a> {
    home: &'a Regional,
    table: String,
}

impl<'a> Requests<'a> {
    /// Those of an environment; `prefix` is `<project>-<environment>`.
    pub fn new(home: &'a Regional, prefix: &str) -> Self {
        Self { home, table: format!("{prefix}-{}", OPERATIONS.name) }
    }

    /// The table's whole name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The request that waits; none: nobody asks for anything, or the platform is older than
    /// its table.
    pub async fn open(&self) -> Result<Option<FailoverRequest>> {
        let listing = Listing::<FailoverRequest>::all();
        let Partition::Fixed(partition) = listing.partition().clone() else { return Ok(None) };
        let mut all = Vec::new();
        let mut start = None;
        loop {
            let asked = self
                .home
                .dynamodb
                .query()
                .table_name(&self.table)
                .key_condition_expression("#kind = :kind")
                .expression_attribute_names("#kind", OPERATIONS.partition_key)
                .expression_attribute_values(":kind", AttributeValue::S(partition.clone()))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await;
            let answer = match asked {
                Ok(answer) => answer,
                Err(error) if has_code(&error, "ResourceNotFoundException") => return Ok(None),
                Err(error) => {
                    let what = format!("cannot read the requests in table {}", self.table);
                    return Err(explain(what, error));
                }
            };
            for item in answer.items.unwrap_or_default() {
                let item = item.into_iter().map(|(name, value)| (name, value.into())).collect();
                let request = FailoverRequest::from_attributes(item);
                all.push(request.with_context(|| {
                    format!("a request in table {} cannot be read", self.table)
                })?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(FailoverRequest::open(all));
            }
        }
    }

    /// Marks a request as carried out, if nobody did meanwhile. False: somebody did.
    pub async fn fulfil(&self, request: &FailoverRequest, by: Fulfilled) -> Result<bool> {
        let next = request.revision.next();
        let done = FailoverRequest { fulfilled: Some(by), revision: next, ..request.clone() };
        let item = done
            .to_attributes()
            .map_err(|error| Error::failed("the request cannot be marked").caused_by(error))?;
        let item = item.into_iter().map(|(name, value)| (name, value.into())).collect();
        let put = self
            .home
            .dynamodb
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("#revision = :seen")
            .expression_attribute_names("#revision", REVISION)
            .expression_attribute_values(
                ":seen",
                AttributeValue::N(request.revision.0.to_string()),
            );
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if has_code(&error, "ConditionalCheckFailedException") => Ok(false),
            Err(error) => {
                Err(explain(format!("cannot mark the request in table {}", self.table), error))
            }
        }
    }
}
