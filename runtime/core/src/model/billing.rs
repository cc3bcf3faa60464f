//! Monthly summaries of what tenants used and cost.

use serde::{Deserialize, Serialize};

use super::{Invalid, Item, Key, Period, PlatformItem, Revision, Timestamp};
use crate::tables::{BILLING, Table};
use crate::tenant::TenantId;

/// What was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Invocations of agents.
    pub invocations: u64,
    /// Jobs.
    pub jobs: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models wrote.
    pub output_tokens: u64,
    /// Milliseconds in which agents worked.
    pub milliseconds: u64,
}

/// What a tenant used in a month, and what that cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingSummary {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The month.
    pub period: Period,
    /// What was used.
    pub usage: Usage,
    /// What it cost, in millionths of a US dollar: whole numbers add up.
    pub cost_micro_usd: u64,
    /// Up to when the numbers reach.
    pub counted_until: Timestamp,
    /// Whether the month is over and the numbers stay.
    pub closed: bool,
    /// How often it was written.
    pub revision: Revision,
}

impl Item for BillingSummary {
    const TABLE: Table = BILLING;

    fn key(&self) -> Key<Self> {
        Key::<Self>::new(&self.tenant_id, &self.period)
    }

    fn revision(&self) -> Option<Revision> {
        Some(self.revision)
    }

    fn with_revision(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    fn check(&self) -> Result<(), Invalid> {
        if self.counted_until.to_string().as_str() < self.period.as_str() {
            return Err(Invalid {
                what: "counted_until",
                expected: "a moment of the period or later",
            });
        }
        Ok(())
    }
}

impl PlatformItem for BillingSummary {}
