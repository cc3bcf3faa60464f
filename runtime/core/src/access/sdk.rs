//! Tables of `DynamoDB`.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeValue as Sent, ConditionCheck, Delete, DeleteRequest, KeysAndAttributes, Put,
    PutRequest, ReturnValue, TransactWriteItem, Update as SentUpdate, WriteRequest,
};

use super::backend::{Backend, Pending};
use super::error::BackendError;
use super::expressions::{Expressions, query as query_expression};
use super::operation::{BatchWrite, Change, Operation, Query, Reply, Write};
use crate::model::Attributes;
use crate::tables::Table;

/// The tables of an environment.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
    prefix: String,
}

impl DynamoDb {
    /// The tables called `<prefix>-<name>`; `prefix` is `<project>-<environment>`, of the
    /// variable [`NAME_PREFIX`](crate::names::NAME_PREFIX). For a tenant's items the
    /// client has the tenant's [narrowed credentials](super::NarrowedCredentials).
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self { client, prefix: prefix.into() }
    }

    fn name(&self, table: &Table) -> String {
        format!("{}-{}", self.prefix, table.name)
    }

    async fn dispatch(&self, operation: &Operation) -> Result<Reply, BackendError> {
        match operation {
            Operation::Get { table, key } => self.get(table, key).await,
            Operation::Query(query) => self.query(query).await,
            Operation::BatchGet { table, keys } => self.batch_get(table, keys).await,
            Operation::BatchWrite { table, writes } => self.batch_write(table, writes).await,
            Operation::Write(write) => self.write(write).await,
            Operation::Transact(writes) => self.transact(writes).await,
        }
    }

    async fn get(&self, table: &Table, key: &Attributes) -> Result<Reply, BackendError> {
        let get = self.client.get_item().table_name(self.name(table)).consistent_read(true);
        let output = get.set_key(Some(sent(key))).send().await.map_err(|error| failed(&error))?;
        Ok(Reply { items: output.item.into_iter().map(received).collect(), ..Reply::default() })
    }

    async fn query(&self, query: &Query) -> Result<Reply, BackendError> {
        let (condition, expressions) = query_expression(query);
        let output = self
            .client
            .query()
            .table_name(self.name(&query.table))
            .set_index_name(query.index.map(|index| index.name.to_owned()))
            .key_condition_expression(condition)
            .set_expression_attribute_names(expressions.names())
            .set_expression_attribute_values(expressions.values())
            .scan_index_forward(!query.newest_first)
            .limit(i32::try_from(query.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(query.start.as_ref().map(sent))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let items = output.items.unwrap_or_default().into_iter().map(received).collect();
        let last_key = output.last_evaluated_key.filter(|key| !key.is_empty()).map(received);
        Ok(Reply { items, last_key, ..Reply::default() })
    }

    async fn batch_get(&self, table: &Table, keys: &[Attributes]) -> Result<Reply, BackendError> {
        let name = self.name(table);
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(sent).collect()))
            .consistent_read(true)
            .build()
            .map_err(built)?;
        let output = self
            .client
            .batch_get_item()
            .request_items(&name, wanted)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let items = output.responses.and_then(|mut it| it.remove(&name)).unwrap_or_default();
        let unread = output.unprocessed_keys.and_then(|mut it| it.remove(&name));
        Ok(Reply {
            items: items.into_iter().map(received).collect(),
            unread: unread.into_iter().flat_map(|it| it.keys).map(received).collect(),
            ..Reply::default()
        })
    }

    async fn batch_write(
        &self,
        table: &Table,
        writes: &[BatchWrite],
    ) -> Result<Reply, BackendError> {
        let name = self.name(table);
        let requests: Result<Vec<_>, _> = writes.iter().map(request).collect();
        let output = self
            .client
            .batch_write_item()
            .request_items(&name, requests?)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let left = output.unprocessed_items.and_then(|mut it| it.remove(&name));
        let unwritten = left.into_iter().flatten().filter_map(|request| {
            let put = request.put_request.map(|it| BatchWrite::Put(received(it.item)));
            let delete = request.delete_request.map(|it| BatchWrite::Delete(received(it.key)));
            put.or(delete)
        });
        Ok(Reply { unwritten: unwritten.collect(), ..Reply::default() })
    }

    async fn write(&self, write: &Write) -> Result<Reply, BackendError> {
        let table = self.name(&write.table);
        let mut expressions = Expressions::default();
        let condition = expressions.condition(&write.table, &write.condition);
        match &write.change {
            Change::Put(item) => {
                let put = self.client.put_item().table_name(table).set_item(Some(sent(item)));
                let put = put
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values());
                put.send().await.map_err(|error| failed(&error))?;
            }
            Change::Update { key, update } => {
                let text = expressions.update(update);
                let update = self.client.update_item().table_name(table).set_key(Some(sent(key)));
                let update = update
                    .update_expression(text)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values())
                    .return_values(ReturnValue::AllNew);
                let output = update.send().await.map_err(|error| failed(&error))?;
                let items = output.attributes.into_iter().map(received).collect();
                return Ok(Reply { items, ..Reply::default() });
            }
            Change::Delete(key) => {
                let delete = self.client.delete_item().table_name(table).set_key(Some(sent(key)));
                let delete = delete
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values());
                delete.send().await.map_err(|error| failed(&error))?;
            }
            Change::Check(_) => return self.transact(std::slice::from_ref(write)).await,
        }
        Ok(Reply::default())
    }

    async fn transact(&self, writes: &[Write]) -> Result<Reply, BackendError> {
        let parts: Result<Vec<_>, _> = writes.iter().map(|write| self.part(write)).collect();
        let send = self.client.transact_write_items().set_transact_items(Some(parts?));
        send.send().await.map_err(|error| failed(&error))?;
        Ok(Reply::default())
    }

    fn part(&self, write: &Write) -> Result<TransactWriteItem, BackendError> {
        let table = self.name(&write.table);
        let mut expressions = Expressions::default();
        let condition = expressions.condition(&write.table, &write.condition);
        let part = TransactWriteItem::builder();
        let part = match &write.change {
            Change::Put(item) => part.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(sent(item)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values())
                    .build()
                    .map_err(built)?,
            ),
            Change::Update { key, update } => part.update({
                let text = expressions.update(update);
                SentUpdate::builder()
                    .table_name(table)
                    .set_key(Some(sent(key)))
                    .update_expression(text)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values())
                    .build()
                    .map_err(built)?
            }),
            Change::Delete(key) => part.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(sent(key)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values())
                    .build()
                    .map_err(built)?,
            ),
            Change::Check(key) => part.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(sent(key)))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(expressions.names())
                    .set_expression_attribute_values(expressions.values())
                    .build()
                    .map_err(built)?,
            ),
        };
        Ok(part.build())
    }
}

impl Backend for DynamoDb {
    fn run<'a>(&'a self, operation: &'a Operation) -> Pending<'a, Reply> {
        Box::pin(self.dispatch(operation))
    }
}

fn request(write: &BatchWrite) -> Result<WriteRequest, BackendError> {
    let request = WriteRequest::builder();
    let request = match write {
        BatchWrite::Put(item) => {
            let put = PutRequest::builder().set_item(Some(sent(item))).build().map_err(built)?;
            request.put_request(put)
        }
        BatchWrite::Delete(key) => {
            let delete = DeleteRequest::builder().set_key(Some(sent(key))).build();
            request.delete_request(delete.map_err(built)?)
        }
    };
    Ok(request.build())
}

fn sent(attributes: &Attributes) -> HashMap<String, Sent> {
    attributes.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect()
}

fn received(attributes: HashMap<String, Sent>) -> Attributes {
    attributes.into_iter().map(|(name, value)| (name, value.into())).collect()
}

/// A request that lacks something it needs; nothing was sent.
pub(super) fn built(error: impl std::fmt::Display) -> BackendError {
    BackendError::Failed(error.to_string())
}

/// What the service said, without the values that its messages may quote.
pub(super) fn explain<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match error {
        SdkError::ServiceError(service) => {
            service.err().code().unwrap_or("an answer that cannot be read").to_owned()
        }
        SdkError::TimeoutError(_) => "no answer in time".to_owned(),
        SdkError::DispatchFailure(_) => "no connection".to_owned(),
        SdkError::ConstructionFailure(_) => "a request that cannot be made".to_owned(),
        _ => "an answer that cannot be read".to_owned(),
    }
}

/// Codes of errors that pass: the client has tried again already.
pub(super) const BUSY: [&str; 8] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "InternalServerError",
    "ServiceUnavailable",
    "SlowDown",
];

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> BackendError {
    let code = explain(error);
    let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
    match code.as_str() {
        "ConditionalCheckFailedException" => BackendError::Condition,
        // The message lists the reasons of each write, such as
        // `[None, ConditionalCheckFailed]`.
        "TransactionCanceledException" => match message.unwrap_or_default() {
            it if it.contains("ConditionalCheckFailed") => BackendError::Condition,
            it if it.contains("ValidationError") || it.contains("ItemCollectionSize") => {
                BackendError::Failed(code)
            }
            _ => BackendError::Busy(code),
        },
        it if BUSY.contains(&it) => BackendError::Busy(code),
        _ => BackendError::Failed(code),
    }
}
