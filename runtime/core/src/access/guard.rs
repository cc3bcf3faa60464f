//! The check of every operation: before it is sent, and of what comes back.
//!
//! What is typed cannot leave its tenant; this looks again at what is really sent, as
//! whoever made a mistake above would want it.

use std::sync::Arc;

use super::audit::{Audit, AuditKind, AuditRecord};
use super::backend::Backend;
use super::error::{AccessError, TenantAccessViolation};
use super::items::TRANSACTION_SIZE;
use super::operation::{BatchWrite, Change, Operation, Query, Reply, Write, shown};
use super::scope::{OperatorScope, Scope};
use crate::metrics::TENANT_ACCESS_VIOLATIONS;
use crate::model::{APPROVALS, AttributeValue, Attributes, REVISION, Timestamp, VERSION};
use crate::tables::{self, BILLING, Index, OPERATIONS, OPS_LOCKS, TENANT_ID, TENANTS, Table};
use crate::telemetry::Metrics;
use crate::tenant::TenantId;

/// What a tenant may change of its own record.
const OWN_ATTRIBUTES: [&str; 2] = ["api_keys", "updated_at"];

/// What is the platform's; every other table is the tenants' alone.
pub(super) const PLATFORM: [Table; 4] = [TENANTS, BILLING, OPS_LOCKS, OPERATIONS];

/// For whom.
#[derive(Debug, Clone)]
pub(super) enum Whose {
    /// A tenant's items.
    Tenant(Scope),
    /// The record of one tenant, which is the platform's: it is read, and its keys are
    /// changed.
    Record(Scope),
    /// What is the platform's.
    Platform(OperatorScope),
}

impl Whose {
    pub(super) fn tenant(&self) -> Option<&TenantId> {
        match self {
            Self::Tenant(scope) | Self::Record(scope) => Some(scope.tenant_id()),
            Self::Platform(_) => None,
        }
    }

    pub(super) fn subject(&self) -> &str {
        match self {
            Self::Tenant(scope) | Self::Record(scope) => scope.subject(),
            Self::Platform(scope) => scope.subject(),
        }
    }
}

/// Who hears of violations, and of what operators do.
#[derive(Clone)]
pub struct Watchers {
    /// The audit trail.
    pub audit: Arc<dyn Audit>,
    /// The metrics that alarms watch.
    pub metrics: Metrics,
}

impl Watchers {
    /// Tells everybody of a violation and gives the error for the caller. It stays a
    /// violation when the audit trail cannot be written: that is logged.
    pub(super) async fn violated(
        &self,
        whose: &Whose,
        violation: TenantAccessViolation,
    ) -> AccessError {
        let tenant = violation.tenant.as_ref().map(TenantId::as_str);
        let about = [
            ("level", "ERROR".into()),
            ("message", "tenant access violation".into()),
            ("tenant", tenant.into()),
            ("attempted", violation.attempted.as_str().into()),
            ("operation", violation.operation.into()),
            ("table", violation.table.as_str().into()),
            ("in_reply", violation.in_reply.into()),
        ];
        self.metrics.count(TENANT_ACCESS_VIOLATIONS, 1, &about);
        let record = AuditRecord {
            at: Timestamp::now(),
            kind: AuditKind::CrossTenantAccess,
            subject: whose.subject().to_owned(),
            tenant_id: violation.tenant.clone(),
            operation: violation.operation,
            tables: vec![violation.table.clone()],
            attempted: Some(violation.attempted.clone()),
        };
        if let Err(error) = self.audit.record(&record).await {
            tracing::error!(error, %violation, "a violation is not in the audit trail");
        }
        violation.into()
    }
}

/// The only way to a backend.
#[derive(Clone)]
pub(super) struct Guard {
    whose: Whose,
    backend: Arc<dyn Backend>,
    watchers: Watchers,
}

impl Guard {
    pub(super) fn new(whose: Whose, backend: Arc<dyn Backend>, watchers: Watchers) -> Self {
        Self { whose, backend, watchers }
    }

    /// The tenant for whom it is; nobody: those who run the platform.
    pub(super) fn tenant(&self) -> Option<&TenantId> {
        self.whose.tenant()
    }

    /// Sends an operation if it stays inside, and gives the reply if that did.
    pub(super) async fn send(&self, operation: &Operation) -> Result<Reply, AccessError> {
        let tables = operation.tables();
        let Some(table) = tables.first() else {
            return Err(AccessError::Request(TRANSACTION_SIZE));
        };
        match self.check_request(operation) {
            Err(AccessError::Violation(violation)) => {
                return Err(self.watchers.violated(&self.whose, violation).await);
            }
            checked => checked?,
        }
        match &self.whose {
            Whose::Platform(scope) => self.permit(scope, operation, table).await?,
            Whose::Tenant(scope) | Whose::Record(scope) => {
                if !operation.only_reads() && !scope.may_change() {
                    let (operation, table) = (operation.name(), table.name);
                    return Err(AccessError::ReadOnly { operation, table });
                }
            }
        }
        let reply = self.backend.run(operation).await?;
        match self.check_reply(operation, table, &reply) {
            Ok(()) => Ok(reply),
            Err(violation) => {
                let violation = TenantAccessViolation { in_reply: true, ..violation };
                Err(self.watchers.violated(&self.whose, violation).await)
            }
        }
    }

    /// Operators change nothing but approvals, and all they do is recorded before it is
    /// done.
    async fn permit(
        &self,
        scope: &OperatorScope,
        operation: &Operation,
        table: &Table,
    ) -> Result<(), AccessError> {
        if !operation.only_reads() && !scope.may_change() && !is_approval(operation) {
            let (operation, table) = (operation.name(), table.name);
            return Err(AccessError::ReadOnly { operation, table });
        }
        let record = AuditRecord {
            at: Timestamp::now(),
            kind: AuditKind::OperatorAccess,
            subject: scope.subject().to_owned(),
            tenant_id: None,
            operation: operation.name(),
            tables: operation.tables().iter().map(|table| table.name.to_owned()).collect(),
            attempted: operation.attempted(),
        };
        self.watchers.audit.record(&record).await.map_err(AccessError::Audit)
    }

    fn check_request(&self, operation: &Operation) -> Result<(), AccessError> {
        let name = operation.name();
        for table in operation.tables() {
            if !self.reaches(&table) || !self.may(operation) {
                return Err(self.violation(name, &table, table.name).into());
            }
        }
        match operation {
            Operation::Get { table, key } => self.check_key(name, table, key)?,
            Operation::Query(query) => self.check_query(query)?,
            Operation::BatchGet { table, keys } => {
                keys.iter().try_for_each(|key| self.check_key(name, table, key))?;
            }
            Operation::BatchWrite { table, writes } => {
                for write in writes {
                    match write {
                        BatchWrite::Put(item) => self.check_item(name, table, item)?,
                        BatchWrite::Delete(key) => self.check_key(name, table, key)?,
                    }
                }
            }
            Operation::Write(write) => self.check_write(name, write)?,
            Operation::Transact(writes) => {
                writes.iter().try_for_each(|write| self.check_write(name, write))?;
            }
        }
        Ok(())
    }

    /// A tenant reaches what is tenants' alone, and who runs the platform what is the
    /// platform's: for a tenant's own data, they act for the tenant.
    fn reaches(&self, table: &Table) -> bool {
        let known = tables::ALL.contains(table);
        known
            && match self.whose {
                Whose::Tenant(_) => table.tenant_scoped(),
                Whose::Record(_) => *table == TENANTS,
                Whose::Platform(_) => PLATFORM.contains(table),
            }
    }

    /// A tenant's record is read, and of its attributes the keys are changed: a tenant
    /// could raise its own tier.
    fn may(&self, operation: &Operation) -> bool {
        match (&self.whose, operation) {
            (Whose::Tenant(_) | Whose::Platform(_), _) | (_, Operation::Get { .. }) => true,
            (Whose::Record(_), Operation::Write(write)) => match &write.change {
                Change::Update { update, .. } => {
                    update.names().all(|it| OWN_ATTRIBUTES.contains(&it))
                }
                _ => false,
            },
            (Whose::Record(_), _) => false,
        }
    }

    fn check_write(&self, name: &'static str, write: &Write) -> Result<(), AccessError> {
        let table = &write.table;
        match &write.change {
            Change::Put(item) => Ok(self.check_item(name, table, item)?),
            Change::Delete(key) | Change::Check(key) => Ok(self.check_key(name, table, key)?),
            Change::Update { key, update } => {
                self.check_key(name, table, key)?;
                if update.names().any(|it| it == TENANT_ID) {
                    return Err(self.violation(name, table, TENANT_ID).into());
                }
                let mut keys = table.key_attributes();
                keys.extend([VERSION, REVISION, ""]);
                if update.names().any(|it| keys.contains(&it)) {
                    return Err(AccessError::Request(
                        "an update cannot change attributes of keys, the version or the revision: write the item anew",
                    ));
                }
                Ok(())
            }
        }
    }

    fn check_query(&self, query: &Query) -> Result<(), AccessError> {
        let Query { table, index, partition_key, partition, start, .. } = query;
        let own = index.map_or(table.partition_key, |index| index.partition_key);
        if index.is_some_and(|index| !table.indexes.contains(&index)) || *partition_key != own {
            return Err(self.violation("query", table, partition_key).into());
        }
        self.check_partition("query", table, Some(&AttributeValue::S(partition.clone())))?;
        if let Some(start) = start {
            self.check_position(query, start)?;
        }
        Ok(())
    }

    /// A key at which a list goes on: in the list's partition, with every key attribute
    /// and nothing else.
    fn check_position(&self, query: &Query, key: &Attributes) -> Result<(), TenantAccessViolation> {
        let Query { table, index, partition_key, partition, .. } = query;
        let inside = key.get(*partition_key) == Some(&AttributeValue::S(partition.clone()));
        if !inside || !has_exactly(key, &position_names(table, *index)) {
            let found = key.get(*partition_key);
            return Err(self.violation("query", table, &shown(found)));
        }
        self.check_partition("query", table, key.get(table.partition_key))
    }

    fn check_key(
        &self,
        name: &'static str,
        table: &Table,
        key: &Attributes,
    ) -> Result<(), TenantAccessViolation> {
        self.check_partition(name, table, key.get(table.partition_key))?;
        if has_exactly(key, &position_names(table, None)) {
            Ok(())
        } else {
            Err(self.violation(name, table, "a key that is not the table's"))
        }
    }

    fn check_item(
        &self,
        name: &'static str,
        table: &Table,
        item: &Attributes,
    ) -> Result<(), TenantAccessViolation> {
        self.check_partition(name, table, item.get(table.partition_key))?;
        let text =
            |it: &&str| matches!(item.get(*it), Some(AttributeValue::S(it)) if !it.is_empty());
        if position_names(table, None).iter().all(text) {
            Ok(())
        } else {
            Err(self.violation(name, table, "an item without a key"))
        }
    }

    /// The value of a partition key is a text, and a tenant's is the tenant's id: every
    /// partition key that a tenant reaches is [`TENANT_ID`].
    fn check_partition(
        &self,
        name: &'static str,
        table: &Table,
        value: Option<&AttributeValue>,
    ) -> Result<(), TenantAccessViolation> {
        let inside = match (value, self.whose.tenant()) {
            (Some(AttributeValue::S(value)), Some(tenant)) => value == tenant.as_str(),
            (Some(AttributeValue::S(value)), None) => !value.is_empty(),
            _ => false,
        };
        if inside { Ok(()) } else { Err(self.violation(name, table, &shown(value))) }
    }

    fn check_reply(
        &self,
        operation: &Operation,
        table: &Table,
        reply: &Reply,
    ) -> Result<(), TenantAccessViolation> {
        let name = operation.name();
        for item in &reply.items {
            self.check_item(name, table, item)?;
            let asked_for = match operation {
                Operation::Get { key, .. } => has_key(item, key),
                Operation::BatchGet { keys, .. } => keys.iter().any(|key| has_key(item, key)),
                Operation::Query(query) => {
                    let partition = AttributeValue::S(query.partition.clone());
                    item.get(query.partition_key) == Some(&partition)
                }
                Operation::Write(write) => match &write.change {
                    Change::Update { key, .. } => has_key(item, key),
                    _ => false,
                },
                Operation::BatchWrite { .. } | Operation::Transact(_) => false,
            };
            if !asked_for {
                let found = item.get(table.partition_key);
                return Err(self.violation(name, table, &shown(found)));
            }
        }
        if let (Operation::Query(query), Some(last)) = (operation, &reply.last_key) {
            self.check_position(query, last)?;
        }
        reply.unread.iter().try_for_each(|key| self.check_key(name, table, key))?;
        reply.unwritten.iter().try_for_each(|write| match write {
            BatchWrite::Put(item) => self.check_item(name, table, item),
            BatchWrite::Delete(key) => self.check_key(name, table, key),
        })
    }

    fn violation(
        &self,
        operation: &'static str,
        table: &Table,
        attempted: &str,
    ) -> TenantAccessViolation {
        TenantAccessViolation::new(self.whose.tenant(), attempted, operation, table.name)
    }
}

/// Whether it asks for an approval, or answers one.
fn is_approval(operation: &Operation) -> bool {
    let Operation::Write(Write { table, change: Change::Put(item), .. }) = operation else {
        return false;
    };
    let kind = AttributeValue::S(APPROVALS.to_owned());
    *table == OPERATIONS && item.get(OPERATIONS.partition_key) == Some(&kind)
}

/// The attributes of a position: of the table's key, and of the index.
fn position_names(table: &Table, index: Option<Index>) -> Vec<&'static str> {
    let mut names = vec![table.partition_key];
    names.extend(table.sort_key);
    names.extend(index.iter().flat_map(|index| [index.partition_key, index.sort_key]));
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether these are texts with these names, and nothing else.
fn has_exactly(key: &Attributes, names: &[&str]) -> bool {
    let text =
        |name: &&str| matches!(key.get(*name), Some(AttributeValue::S(it)) if !it.is_empty());
    key.len() == names.len() && names.iter().all(text)
}

fn has_key(item: &Attributes, key: &Attributes) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}
