//! The `DynamoDB` tables: the one definition of their keys and indexes.
//!
//! The stacks make the tables from it, and Lambdas read and write by it. Every key
//! attribute is a string. Where a table is [`tenant_scoped`](Table::tenant_scoped),
//! the partition key of the table and of each index is [`TENANT_ID`], so that an IAM
//! condition on `dynamodb:LeadingKeys` confines a role to one tenant.

use crate::functions::Function;

/// The partition key of tables that belong to tenants: the tenant's id.
pub const TENANT_ID: &str = "tenant_id";

/// The attribute by which items expire, in seconds since 1970. `DynamoDB` deletes
/// expired items within days: readers ignore them from the moment on.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>
pub const EXPIRES_AT: &str = "expires_at";

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its short name; a deployed one is called `<project>-<environment>-<name>`.
    pub name: &'static str,
    /// What an item is, for descriptions.
    pub holds: &'static str,
    /// The partition key.
    pub partition_key: &'static str,
    /// The sort key, if items have one.
    pub sort_key: Option<&'static str>,
    /// Global secondary indexes. All project every attribute.
    pub indexes: &'static [Index],
    /// Whether items expire by [`EXPIRES_AT`].
    pub expires: bool,
    /// Who reads the table's stream; nobody: it has none.
    pub stream_consumers: &'static [Function],
}

/// A global secondary index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// Its name, such as `by-status`.
    pub name: &'static str,
    /// The partition key.
    pub partition_key: &'static str,
    /// The sort key.
    pub sort_key: &'static str,
}

impl Table {
    /// Whether every item belongs to a tenant whose own role may reach it. The
    /// `tenants` table and the bills are keyed by tenant too, and are the
    /// operators': a tenant could raise its own tier.
    pub fn tenant_scoped(&self) -> bool {
        self.partition_key == TENANT_ID
            && self.indexes.iter().all(|index| index.partition_key == TENANT_ID)
    }

    /// Every attribute that is part of a key, each once, in order of appearance.
    pub fn key_attributes(&self) -> Vec<&'static str> {
        let mut all = vec![self.partition_key];
        all.extend(self.sort_key);
        all.extend(self.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]));
        let mut unique = Vec::new();
        for attribute in all {
            if !unique.contains(&attribute) {
                unique.push(attribute);
            }
        }
        unique
    }
}

/// Tenants: tier, status, budget.
pub const TENANTS: Table = Table {
    name: "tenants",
    holds: "Tenants: tier, status, budget",
    partition_key: TENANT_ID,
    sort_key: None,
    indexes: &[Index { name: "by-status", partition_key: "status", sort_key: "created_at" }],
    expires: false,
    stream_consumers: &[],
};

/// The agents of tenants.
pub const AGENTS: Table = Table {
    name: "agents",
    holds: "Agents of tenants, by name and version",
    partition_key: TENANT_ID,
    sort_key: Some("agent_version"),
    indexes: &[],
    expires: false,
    stream_consumers: &[],
};

/// Invocations of agents.
pub const INVOCATIONS: Table = Table {
    name: "invocations",
    holds: "Invocations of agents, in order of time",
    partition_key: TENANT_ID,
    sort_key: Some("invocation_id"),
    indexes: &[Index { name: "by-agent", partition_key: TENANT_ID, sort_key: "agent_invocation" }],
    expires: true,
    stream_consumers: &[],
};

/// Asynchronous jobs.
pub const JOBS: Table = Table {
    name: "jobs",
    holds: "Asynchronous jobs and their results' places",
    partition_key: TENANT_ID,
    sort_key: Some("job_id"),
    indexes: &[Index { name: "by-status", partition_key: TENANT_ID, sort_key: "status_job" }],
    expires: true,
    stream_consumers: &[Function::Webhooks],
};

/// Sessions of users with agents.
pub const SESSIONS: Table = Table {
    name: "sessions",
    holds: "Sessions of users with agents",
    partition_key: TENANT_ID,
    sort_key: Some("session_id"),
    indexes: &[],
    expires: true,
    stream_consumers: &[],
};

/// Tools that agents may call.
pub const TOOLS: Table = Table {
    name: "tools",
    holds: "Tools that a tenant's agents may call",
    partition_key: TENANT_ID,
    sort_key: Some("tool_version"),
    indexes: &[],
    expires: false,
    stream_consumers: &[],
};

/// Webhooks and their deliveries.
pub const WEBHOOKS: Table = Table {
    name: "webhooks",
    holds: "Webhooks of tenants and their deliveries",
    partition_key: TENANT_ID,
    sort_key: Some("webhook_delivery"),
    indexes: &[],
    expires: true,
    stream_consumers: &[],
};

/// Leases of operations. Expiry only tidies up: a lease never relies on it.
pub const OPS_LOCKS: Table = Table {
    name: "ops-locks",
    holds: "Fenced leases of operations",
    partition_key: "lock_name",
    sort_key: None,
    indexes: &[],
    expires: true,
    stream_consumers: &[],
};

/// What was asked of those who run the platform, and what they said: notices to tenants,
/// failovers, plans of accounts, approvals.
pub const OPERATIONS: Table = Table {
    name: "operations",
    holds: "Notices, requests and approvals of operators",
    partition_key: "operation_kind",
    sort_key: Some("operation_id"),
    indexes: &[],
    expires: true,
    stream_consumers: &[],
};

/// Monthly summaries of what tenants used and cost.
pub const BILLING: Table = Table {
    name: "billing",
    holds: "Monthly summaries of use and cost by tenant",
    partition_key: TENANT_ID,
    sort_key: Some("period"),
    indexes: &[Index { name: "by-period", partition_key: "period", sort_key: TENANT_ID }],
    expires: false,
    stream_consumers: &[],
};

/// Every table.
pub const ALL: [Table; 10] =
    [TENANTS, AGENTS, INVOCATIONS, JOBS, SESSIONS, TOOLS, WEBHOOKS, OPS_LOCKS, OPERATIONS, BILLING];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tenants_reach_is_keyed_by_tenant_and_what_operators_keep_is_not_reached() {
        let reached: Vec<_> =
            ALL.iter().filter(|table| table.tenant_scoped()).map(|table| table.name).collect();
        assert_eq!(reached, ["agents", "invocations", "jobs", "sessions", "tools", "webhooks"]);
    }

    #[test]
    fn key_attributes_are_listed_once() {
        assert_eq!(BILLING.key_attributes(), [TENANT_ID, "period"]);
        assert_eq!(JOBS.key_attributes(), [TENANT_ID, "job_id", "status_job"]);
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|table| table.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
