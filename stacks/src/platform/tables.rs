//! The tables that the contract defines.

use std::collections::BTreeMap;

use runtime_core::functions::Function;
use runtime_core::tables::{ALL, EXPIRES_AT, Index, Table};

use super::Common;
use crate::cfn::aws::dynamodb::{self, table};
use crate::cfn::{Handle, Options, Stack, camel};
use crate::construct::watch::Watch;

/// Days to which a table can be put back: the most that `DynamoDB` offers.
const RECOVERY_DAYS: i64 = 35;

/// The tables by their short names.
#[derive(Debug)]
pub(super) struct Tables(BTreeMap<&'static str, Handle<dynamodb::Table>>);

impl Tables {
    /// The table of the contract. All of them are there.
    pub(super) fn of(&self, table: &Table) -> &Handle<dynamodb::Table> {
        &self.0[table.name]
    }
}

/// Makes every table.
pub(super) fn tables(stack: &mut Stack, common: &Common) -> (Tables, Vec<Watch>) {
    let mut made = BTreeMap::new();
    let mut watched = Vec::new();
    for definition in &ALL {
        let name = stack.naming().name(definition.name);
        let table = resource(&name, definition, common);
        let id = format!("{}Table", camel(definition.name));
        made.insert(definition.name, stack.add_with(id, table, Options::new().retain_always()));
        watched.push(Watch::Table { name });
    }
    (Tables(made), watched)
}

fn resource(name: &str, definition: &Table, common: &Common) -> dynamodb::Table {
    let key = if definition.tenant_scoped() { &common.data_key } else { &common.config_key };
    let attributes = definition.key_attributes();
    let attributes = attributes
        .into_iter()
        .map(|attribute| table::AttributeDefinition::new(attribute, table::AttributeType::S));
    let keys =
        [Some((definition.partition_key, "HASH")), definition.sort_key.map(|key| (key, "RANGE"))];
    let keys = keys.into_iter().flatten().map(|(key, kind)| table::TableKeySchema::new(key, kind));
    let recovery = table::PointInTimeRecoverySpecification::new()
        .point_in_time_recovery_enabled(true)
        .recovery_period_in_days(RECOVERY_DAYS);
    let encryption =
        table::SseSpecification::new(true).sse_type(table::SseType::Kms).kms_master_key_id(key);
    let mut resource = dynamodb::Table::new(keys.collect::<Vec<_>>())
        .table_name(name)
        .attribute_definitions(attributes.collect::<Vec<_>>())
        .billing_mode(table::BillingMode::PayPerRequest)
        .point_in_time_recovery_specification(recovery)
        .sse_specification(encryption)
        .deletion_protection_enabled(common.spec.deletion_protection);
    if !definition.indexes.is_empty() {
        let indexes: Vec<_> = definition.indexes.iter().map(index).collect();
        resource = resource.global_secondary_indexes(indexes);
    }
    if definition.expires {
        let expiry = table::TimeToLiveSpecification::new(true).attribute_name(EXPIRES_AT);
        resource = resource.time_to_live_specification(expiry);
    }
    if readers(definition, common).next().is_some() {
        // What an item was tells a change of its status from any other.
        let stream = table::StreamSpecification::new(table::StreamViewType::NewAndOldImages);
        resource = resource.stream_specification(stream);
    }
    resource
}

/// Functions that are deployed and read the table's stream.
pub(super) fn readers<'a>(
    definition: &'a Table,
    common: &'a Common<'_>,
) -> impl Iterator<Item = &'a Function> {
    let deployed = &common.spec.functions;
    definition.stream_consumers.iter().filter(|function| deployed.contains_key(function))
}

fn index(index: &Index) -> table::GlobalSecondaryIndex {
    let keys = [(index.partition_key, "HASH"), (index.sort_key, "RANGE")]
        .map(|(key, kind)| table::GlobalSecondaryIndexKeySchema::new(key, kind));
    let all = table::Projection::new().projection_type(table::ProjectionType::All);
    table::GlobalSecondaryIndex::new(index.name, keys, all)
}
