//! The stores that there are.

use runtime_core::model::{LockName, OpsLock};

use super::dynamodb::DynamoDbLeases;
use super::s3::S3Leases;
use super::store::{LeaseStore, Seen, StoreError, Version, Wrote};

/// Where an environment's leases are.
#[derive(Debug, Clone)]
pub enum Backend {
    /// In the platform's table.
    DynamoDb(DynamoDbLeases),
    /// In a bucket.
    S3(S3Leases),
}

impl Backend {
    /// Where, for people.
    pub fn place(&self) -> String {
        match self {
            Self::DynamoDb(store) => store.place(),
            Self::S3(store) => store.place(),
        }
    }
}

impl LeaseStore for Backend {
    async fn read(&self, name: &LockName) -> Result<Option<Seen>, StoreError> {
        match self {
            Self::DynamoDb(store) => store.read(name).await,
            Self::S3(store) => store.read(name).await,
        }
    }

    async fn write(&self, record: &OpsLock, over: Option<&Version>) -> Result<Wrote, StoreError> {
        match self {
            Self::DynamoDb(store) => store.write(record, over).await,
            Self::S3(store) => store.write(record, over).await,
        }
    }
}
