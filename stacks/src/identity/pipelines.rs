//! Pipelines: they sign in with a token of their own, and may do what the stacks that
//! they handle need.

use std::collections::BTreeMap;

use super::trust::{audience, key_prefix, trust};
use crate::cfn::aws::iam;
use crate::cfn::{Naming, Stack, Value, camel, sub};
use crate::construct::digest;
use crate::permissions::{
    self, Account, Holder, MANAGED_POLICY_SIZE, POLICIES_OF_A_ROLE, Scope, policies,
};
use crate::spec::{
    IdentitySpec, PipelineProvider, PipelineSpec, StageKind, StageSpec, StageStacks,
};
use crate::{SpecError, SpecErrors, StackTemplate};

/// How long a pipeline is signed in, in seconds: the shortest that IAM offers.
const SESSION_SECONDS: i64 = 60 * 60;

/// The stacks that pipelines look at and never change.
pub(crate) const IDENTITY_STACKS: [&str; 2] = ["identity", "runtime-identity"];

/// Adds the providers and a role for each stage.
pub(super) fn pipelines(
    stack: &mut Stack,
    naming: &Naming,
    spec: &IdentitySpec,
    others: &[StackTemplate],
) -> Result<(), SpecErrors> {
    if spec.pipelines.is_empty() {
        return Ok(());
    }
    let scope = Scope::new(naming, others, Account::OfTheStack);
    let mut maker = Maker { stack, naming, scope, others, made: BTreeMap::new() };
    let mut errors = Vec::new();
    let mut providers = BTreeMap::new();
    for (at, pipeline) in spec.pipelines.iter().enumerate() {
        let url = pipeline.provider.url().to_owned();
        let provider = providers.entry(url).or_insert_with(|| maker.provider(pipeline)).clone();
        for (stage_at, stage) in pipeline.stages.iter().enumerate() {
            let field = format!("identity.pipelines[{at}].stages[{stage_at}].stacks");
            errors.extend(maker.stage(pipeline, stage, &provider, &field).err());
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors(errors)) }
}

/// Adds the policy that bounds the roles of `templates`.
pub(super) fn boundary(
    stack: &mut Stack,
    naming: &Naming,
    arn: &Value<String>,
    templates: &[StackTemplate],
) -> Result<(), SpecError> {
    let scope = Scope::new(naming, templates, Account::OfTheStack);
    let document = permissions::boundary(templates, &scope, arn);
    let size = permissions::size(&Value::from(document.clone()).into_json());
    if size > MANAGED_POLICY_SIZE {
        return Err(SpecError::new(
            "identity.pipelines",
            format!(
                "the boundary of roles needs {size} characters, and IAM has room for {MANAGED_POLICY_SIZE}"
            ),
            "let pipelines plan, deploy with credentials of an operator, and leave the provisioner out",
        ));
    }
    let prefix = naming.prefix();
    let policy = iam::ManagedPolicy::new(document)
        .managed_policy_name(format!("{prefix}-boundary"))
        .description("What roles may do at the most, whoever writes their policies")
        .path(format!("/{prefix}/"));
    stack.add("Boundary", policy);
    Ok(())
}

/// The policies of a kind of stage with these stacks.
type Made = BTreeMap<(StageKind, Vec<String>), Vec<Value<String>>>;

struct Maker<'a> {
    stack: &'a mut Stack,
    naming: &'a Naming,
    scope: Scope,
    others: &'a [StackTemplate],
    /// Stages alike share their policies.
    made: Made,
}

impl Maker<'_> {
    /// The ARN of the provider, which the account has once for each address.
    fn provider(&mut self, pipeline: &PipelineSpec) -> Value<String> {
        let prefix = key_prefix(&pipeline.provider);
        if pipeline.existing_provider {
            return sub(format!("arn:aws:iam::${{AWS::AccountId}}:oidc-provider/{prefix}"));
        }
        let url = pipeline.provider.url();
        let id = match &pipeline.provider {
            PipelineProvider::GitHub { .. } => "GitHubProvider".to_owned(),
            PipelineProvider::GitLab { url } if url == PipelineProvider::GITLAB => {
                "GitLabProvider".to_owned()
            }
            PipelineProvider::GitLab { url } => format!("GitLabProvider{}", digest::short(url)),
        };
        let provider =
            iam::OidcProvider::new().url(url).client_id_list([audience(&pipeline.provider)]);
        self.stack.add(id, provider).arn()
    }

    fn stage(
        &mut self,
        pipeline: &PipelineSpec,
        stage: &StageSpec,
        provider: &Value<String>,
        field: &str,
    ) -> Result<(), SpecError> {
        let names = self.stacks_of(stage, field)?;
        let policies = self.policies(stage, names, field)?;
        let prefix = self.naming.prefix();
        let what = match stage.kind {
            StageKind::Plan => "plan",
            StageKind::Deploy => "deploy",
        };
        let role = iam::Role::new(trust(pipeline, stage, provider))
            .role_name(self.naming.name(&format!("pipeline-{}", stage.name)))
            .path(format!("/{prefix}/pipelines/"))
            .description(format!("Pipelines of {} that {what}", pipeline.project))
            .max_session_duration(SESSION_SECONDS)
            .managed_policy_arns(policies);
        let id = format!("Pipeline{}", camel(&stage.name));
        let role = self.stack.add(format!("{id}Role"), role);
        self.stack.output(&format!("{id}RoleArn"), role.arn());
        Ok(())
    }

    /// The names of the stage's stacks, in order; only those that it may handle.
    fn stacks_of(&self, stage: &StageSpec, field: &str) -> Result<Vec<String>, SpecError> {
        let all = || self.others.iter().map(|stack| stack.name.clone());
        let changed = |name: &String| {
            stage.kind == StageKind::Plan || !IDENTITY_STACKS.contains(&name.as_str())
        };
        let StageStacks::Only(names) = &stage.stacks else {
            return Ok(all().filter(changed).collect());
        };
        let known = |name: &String| IDENTITY_STACKS[0] == name || all().any(|other| other == *name);
        match names.iter().find(|name| !known(name)) {
            Some(unknown) => {
                let names: Vec<_> = all().filter(changed).collect();
                let hint = format!("choose among {}", names.join(", "));
                Err(SpecError::new(field, format!("there is no stack `{unknown}`"), hint))
            }
            None => {
                let chosen = all().filter(|name| names.contains(name));
                Ok(chosen.collect())
            }
        }
    }

    fn policies(
        &mut self,
        stage: &StageSpec,
        names: Vec<String>,
        field: &str,
    ) -> Result<Vec<Value<String>>, SpecError> {
        let key = (stage.kind, names);
        if let Some(made) = self.made.get(&key) {
            return Ok(made.clone());
        }
        let templates: Vec<_> =
            self.others.iter().filter(|stack| key.1.contains(&stack.name)).cloned().collect();
        let holder = match (stage.kind, self.naming.boundary()) {
            (StageKind::Deploy, Some(boundary)) => Holder::Deployer { boundary },
            _ => Holder::Planner,
        };
        let documents = policies(&templates, &self.scope, &holder);
        if documents.len() > POLICIES_OF_A_ROLE {
            let needed = documents.len();
            let message = format!(
                "these stacks need {needed} policies, and a role takes {POLICIES_OF_A_ROLE}"
            );
            return Err(SpecError::new(field, message, "share them out among several stages"));
        }
        let prefix = self.naming.prefix();
        let id = format!("Pipeline{}Policy", camel(&stage.name));
        let mut made = Vec::new();
        for (at, document) in documents.into_iter().enumerate() {
            let policy = iam::ManagedPolicy::new(document)
                .description(format!("What pipelines like {} may do, part {}", stage.name, at + 1))
                .path(format!("/{prefix}/"));
            made.push(self.stack.add(format!("{id}{}", at + 1), policy).id());
        }
        self.made.insert(key, made.clone());
        Ok(made)
    }
}
