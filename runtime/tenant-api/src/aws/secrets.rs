//! Secrets Manager.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;
use runtime_core::access::Connections;
use runtime_core::names::TAG_TENANT;

use super::{Lazy, failed, is};
use crate::services::{Answer, SecretValue, Secrets, ServiceError};

/// How long a deleted secret can be brought back: as long as it takes until what the
/// tenant had goes.
const RECOVERY_DAYS: i64 = 30;

#[derive(Debug)]
enum Connected {
    Lazy(Arc<Lazy>),
    Already(Box<Connections>),
}

/// Secrets Manager, by the function's own role or in the session of a tenant.
#[derive(Debug)]
pub struct AwsSecrets {
    connected: Connected,
    key: Option<String>,
}

impl AwsSecrets {
    pub(super) fn own(lazy: Arc<Lazy>, key: Option<String>) -> Self {
        Self { connected: Connected::Lazy(lazy), key }
    }

    /// With connections that are there.
    pub fn connected(connections: Connections, key: Option<String>) -> Self {
        Self { connected: Connected::Already(Box::new(connections)), key }
    }

    async fn client(&self) -> Client {
        match &self.connected {
            Connected::Lazy(lazy) => Client::new(lazy.get().await.config()),
            Connected::Already(connections) => Client::new(connections.config()),
        }
    }

    /// Whether there is such a secret, which has the value now.
    async fn put(&self, client: &Client, new: SecretValue<'_>) -> Result<bool, ServiceError> {
        let put = client
            .put_secret_value()
            .secret_id(new.name)
            .secret_string(new.value)
            .client_request_token(new.version);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if is(&error, "ResourceNotFoundException") => Ok(false),
            // The version is there, and has another value.
            Err(error) if is(&error, "ResourceExistsException") => Err(ServiceError::Exists),
            Err(error) => Err(failed("PutSecretValue", &error)),
        }
    }
}

impl Secrets for AwsSecrets {
    fn read<'a>(&'a self, name: &'a str, version: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let get = self.client().await.get_secret_value().secret_id(name);
            match get.version_id(version).send().await {
                Ok(output) => Ok(output.secret_string),
                Err(error) if is(&error, "ResourceNotFoundException") => Ok(None),
                // It is marked for deletion.
                Err(error) if is(&error, "InvalidRequestException") => Ok(None),
                Err(error) => Err(failed("GetSecretValue", &error)),
            }
        })
    }

    fn write<'a>(&'a self, new: SecretValue<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            let client = self.client().await;
            if self.put(&client, new).await? {
                return Ok(());
            }
            let tag = Tag::builder().key(TAG_TENANT).value(new.of.as_str()).build();
            let create = client
                .create_secret()
                .name(new.name)
                .secret_string(new.value)
                .client_request_token(new.version)
                .set_kms_key_id(self.key.clone())
                .tags(tag);
            match create.send().await {
                Ok(_) => Ok(()),
                // Somebody else made it in between, perhaps with this version.
                Err(error) if is(&error, "ResourceExistsException") => {
                    if self.put(&client, new).await? {
                        Ok(())
                    } else {
                        Err(ServiceError::Busy("CreateSecret: not there yet".to_owned()))
                    }
                }
                Err(error) => Err(failed("CreateSecret", &error)),
            }
        })
    }

    fn delete<'a>(&'a self, name: &'a str, at_once: bool) -> Answer<'a, ()> {
        Box::pin(async move {
            let client = self.client().await;
            let delete = client.delete_secret().secret_id(name);
            let delete = if at_once {
                delete.force_delete_without_recovery(true)
            } else {
                delete.recovery_window_in_days(RECOVERY_DAYS)
            };
            match delete.send().await {
                Ok(_) => Ok(()),
                Err(error) if is(&error, "ResourceNotFoundException") => Ok(()),
                // It is marked for deletion already.
                Err(error) if is(&error, "InvalidRequestException") => Ok(()),
                Err(error) => Err(failed("DeleteSecret", &error)),
            }
        })
    }
}
