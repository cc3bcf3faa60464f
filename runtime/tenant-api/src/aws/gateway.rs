//! API keys and usage plans of API Gateway; the ids of plans from Parameter Store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_apigateway::Client;
use runtime_core::tenant::Tier;

use super::{Lazy, Places, failed, is};
use crate::services::{Answer, Gateway, ServiceError};

/// Keys and plans of a page: the most there are.
const A_PAGE: i32 = 500;

/// API Gateway and Parameter Store. Plans keep their ids: each is asked for once.
#[derive(Debug)]
pub struct AwsGateway {
    lazy: Arc<Lazy>,
    places: Arc<Places>,
    plans: Mutex<BTreeMap<Tier, String>>,
}

impl AwsGateway {
    pub(super) fn new(lazy: Arc<Lazy>, places: Arc<Places>) -> Self {
        Self { lazy, places, plans: Mutex::default() }
    }

    async fn client(&self) -> Client {
        Client::new(self.lazy.get().await.config())
    }
}

impl Gateway for AwsGateway {
    fn find_key<'a>(&'a self, name: &'a str) -> Answer<'a, Option<String>> {
        Box::pin(async move {
            let client = self.client().await;
            let mut position = None;
            loop {
                // The query finds every name that begins so.
                let page = client
                    .get_api_keys()
                    .name_query(name)
                    .include_values(false)
                    .limit(A_PAGE)
                    .set_position(position)
                    .send()
                    .await
                    .map_err(|error| failed("GetApiKeys", &error))?;
                let found = page.items().iter().find(|key| key.name() == Some(name));
                if let Some(id) = found.and_then(|key| key.id()) {
                    return Ok(Some(id.to_owned()));
                }
                position = page.position;
                if position.is_none() {
                    return Ok(None);
                }
            }
        })
    }

    fn create_key<'a>(&'a self, name: &'a str, value: &'a str) -> Answer<'a, String> {
        Box::pin(async move {
            let create = self.client().await.create_api_key().name(name).value(value);
            match create.enabled(true).send().await {
                Ok(key) => key.id.ok_or_else(|| {
                    ServiceError::Failed("CreateApiKey: no id came back".to_owned())
                }),
                Err(error) if is(&error, "ConflictException") => Err(ServiceError::Exists),
                Err(error) => Err(failed("CreateApiKey", &error)),
            }
        })
    }

    fn delete_key<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            match self.client().await.delete_api_key().api_key(id).send().await {
                Ok(_) => Ok(()),
                Err(error) if is(&error, "NotFoundException") => Ok(()),
                Err(error) => Err(failed("DeleteApiKey", &error)),
            }
        })
    }

    fn plan(&self, tier: Tier) -> Answer<'_, String> {
        Box::pin(async move {
            let known = |plans: &Mutex<BTreeMap<Tier, String>>| {
                plans.lock().unwrap_or_else(PoisonError::into_inner).get(&tier).cloned()
            };
            if let Some(plan) = known(&self.plans) {
                return Ok(plan);
            }
            let name = format!("{}/usage-plan-{}", self.places.parameters, tier.name());
            let client = aws_sdk_ssm::Client::new(self.lazy.get().await.config());
            let output = client.get_parameter().name(&name).send().await;
            let output = output.map_err(|error| failed("GetParameter", &error))?;
            let plan = output.parameter.and_then(|it| it.value).ok_or_else(|| {
                ServiceError::Failed(format!("GetParameter: {name} has no value"))
            })?;
            let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
            plans.insert(tier, plan.clone());
            Ok(plan)
        })
    }

    fn plans_of<'a>(&'a self, key: &'a str) -> Answer<'a, Vec<String>> {
        Box::pin(async move {
            // A key is on one plan of a stage, and this API has one stage.
            let plans = self.client().await.get_usage_plans().key_id(key).limit(A_PAGE);
            let plans = plans.send().await.map_err(|error| failed("GetUsagePlans", &error))?;
            Ok(plans.items().iter().filter_map(|plan| plan.id.clone()).collect())
        })
    }

    fn join_plan<'a>(&'a self, plan: &'a str, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let join = self.client().await.create_usage_plan_key().usage_plan_id(plan);
            match join.key_id(key).key_type("API_KEY").send().await {
                Ok(_) => Ok(()),
                Err(error) if is(&error, "ConflictException") => Err(ServiceError::Exists),
                Err(error) => Err(failed("CreateUsagePlanKey", &error)),
            }
        })
    }

    fn leave_plan<'a>(&'a self, plan: &'a str, key: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let leave = self.client().await.delete_usage_plan_key().usage_plan_id(plan);
            match leave.key_id(key).send().await {
                Ok(_) => Ok(()),
                Err(error) if is(&error, "NotFoundException") => Ok(()),
                Err(error) => Err(failed("DeleteUsagePlanKey", &error)),
            }
        })
    }
}
