//! "Our Lambda": a function with all that every function of ours has.

use runtime_core::functions::Function;
use runtime_core::metrics::{NAMESPACE, NAMESPACE_VARIABLE};
use runtime_core::names::{LOG_FILTER, TENANT_ROLE};

use super::queue::DEAD_LETTER_SECONDS;
use super::watch::Watch;
use super::{digest, queue, role};
use crate::cfn::aws::lambda::{self, alias, function};
use crate::cfn::aws::{iam, logs, sqs};
use crate::cfn::iam::Statement;
use crate::cfn::{
    DeletionPolicy, DeployValue, Handle, Naming, Options, Resource, Stack, Value, camel, join,
};
use crate::identity::Keys;
use crate::spec::{Architecture, FunctionSpec};

/// The name of the alias that callers use.
pub const ALIAS: &str = "live";

/// What the functions of a stack have around them. Made once for each stack.
#[derive(Debug, Clone)]
pub struct Surroundings {
    naming: Naming,
    architecture: Architecture,
    subnets: Vec<Value<String>>,
    group: Value<String>,
    bucket: Value<String>,
    data_key: Value<String>,
    logs_key: Value<String>,
}

impl Surroundings {
    /// In these subnets, with this security group, with the environment's keys.
    pub fn new(
        stack: &mut Stack,
        architecture: Architecture,
        subnets: Vec<Value<String>>,
        group: Value<String>,
        keys: &Keys,
    ) -> Self {
        Self {
            naming: stack.naming().clone(),
            architecture,
            subnets,
            group,
            bucket: stack.deploy_parameter("ArtefactBucket", DeployValue::ArtefactBucket),
            data_key: stack.import(&keys.tenant_data),
            logs_key: stack.import(&keys.logs),
        }
    }

    /// The key of tenants' data.
    pub fn data_key(&self) -> &Value<String> {
        &self.data_key
    }
}

/// A function to be: what makes it different from the others.
#[derive(Debug)]
pub struct OurFunction<'a> {
    function: Function,
    description: &'a str,
    spec: &'a FunctionSpec,
    environment: Vec<(&'a str, Value<String>)>,
    work: Vec<(&'a str, Vec<Statement>)>,
    for_tenants: Vec<Statement>,
    files: Option<function::FileSystemConfig>,
    after: Options,
}

/// A function and what belongs to it.
#[derive(Debug)]
pub struct Deployed {
    /// The function itself.
    pub function: Handle<lambda::Function>,
    /// What callers call: its ARN stays when the version behind it changes.
    pub alias: Handle<lambda::Alias>,
    /// Its log group.
    pub logs: Handle<logs::LogGroup>,
    /// Events that it could not handle.
    pub dead_letters: Handle<sqs::Queue>,
    /// Its role.
    pub role: Handle<iam::Role>,
    /// What is to be watched.
    pub watched: Vec<Watch>,
}

impl<'a> OurFunction<'a> {
    /// A function that can do nothing yet but log and trace.
    pub fn new(function: Function, spec: &'a FunctionSpec, description: &'a str) -> Self {
        Self {
            function,
            description,
            spec,
            environment: Vec::new(),
            work: Vec::new(),
            for_tenants: Vec::new(),
            files: None,
            after: Options::new(),
        }
    }

    /// Sets an environment variable. No secrets: they are read at run time.
    pub fn variable(mut self, name: &'a str, value: impl Into<Value<String>>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Lets it do something, as a policy of this name.
    pub fn may(mut self, policy: &'a str, statements: impl IntoIterator<Item = Statement>) -> Self {
        self.work.push((policy, statements.into_iter().collect()));
        self
    }

    /// Lets it do something for one tenant at a time: it takes a role for it, in a session
    /// that is tagged with the tenant's id, and statements name that tag. Its own role
    /// reaches no tenant's data.
    pub fn for_tenants(mut self, statements: impl IntoIterator<Item = Statement>) -> Self {
        self.for_tenants.extend(statements);
        self
    }

    /// Mounts a file system, once `after` is there.
    pub fn mounts(mut self, files: function::FileSystemConfig, after: Options) -> Self {
        self.files = Some(files);
        self.after = after;
        self
    }

    /// Adds it to a stack: role, log group, dead-letter queue, function, version and
    /// alias. Logical ids begin with the function's name.
    pub fn add(self, stack: &mut Stack, around: &Surroundings) -> Deployed {
        let id = camel(self.function.name());
        let name = around.naming.name(self.function.name());
        let logs = stack.add(
            format!("{id}LogGroup"),
            // It is deleted with the stack: its name is fixed, and one that stayed
            // would be in the way of the next stack.
            logs::LogGroup::new()
                .log_group_name(format!("/aws/lambda/{name}"))
                .retention_in_days(self.spec.log_retention_days)
                .kms_key_id(&around.logs_key),
        );
        let queue = format!("{name}-dead-letters");
        let dead_letters_id = format!("{id}DeadLetters");
        let dead_letters = stack.add(
            &dead_letters_id,
            sqs::Queue::new()
                .queue_name(&queue)
                .message_retention_period(DEAD_LETTER_SECONDS)
                .kms_master_key_id(&around.data_key),
        );
        queue::policy(stack, &dead_letters_id, &dead_letters, None);
        let watched = vec![
            Watch::Function {
                function: self.function,
                name: name.clone(),
                timeout_seconds: self.spec.timeout_seconds,
                reserved_concurrency: self.spec.reserved_concurrency,
            },
            Watch::DeadLetters { queue, of: self.function.name().to_owned() },
        ];
        let Self { function, description, spec, mut environment, work, for_tenants, files, after } =
            self;
        let role = role::role(stack, &id, &name, &logs, &dead_letters, &around.data_key, work);
        if !for_tenants.is_empty() {
            let tenants = role::tenant_role(stack, &id, &name, &role, for_tenants);
            environment.push((TENANT_ROLE, tenants.arn()));
        }
        let code_key = stack.deploy_parameter(
            &format!("{id}CodeKey"),
            DeployValue::CodeKey { function: function.name().to_owned() },
        );
        let common = [
            (LOG_FILTER, "info".into()),
            (NAMESPACE_VARIABLE, around.naming.name(NAMESPACE).into()),
        ];
        let variables = environment.into_iter().chain(common).collect();
        let resource = Parts { around, description, spec, files }.function(
            &name,
            &code_key,
            variables,
            &logs,
            &dead_letters,
            &role,
        );
        let version = version_label(&resource, &code_key);
        let handle = stack.add_with(&id, resource, after);
        let alias = alias(stack, &id, spec, &handle, version);
        Deployed { function: handle, alias, logs, dead_letters, role, watched }
    }
}

struct Parts<'a> {
    around: &'a Surroundings,
    description: &'a str,
    spec: &'a FunctionSpec,
    files: Option<function::FileSystemConfig>,
}

impl Parts<'_> {
    fn function(
        self,
        name: &str,
        code_key: &Value<String>,
        variables: Vec<(&str, Value<String>)>,
        logs: &Handle<logs::LogGroup>,
        dead_letters: &Handle<sqs::Queue>,
        role: &Handle<iam::Role>,
    ) -> lambda::Function {
        let Self { around, description, spec, files } = self;
        let architecture = match around.architecture {
            Architecture::Arm64 => function::Architecture::Arm64,
            Architecture::X86_64 => function::Architecture::X86_64,
        };
        let code = function::Code::new().s3_bucket(&around.bucket).s3_key(code_key);
        let network = function::VpcConfig::new()
            .subnet_ids(around.subnets.clone())
            .security_group_ids([&around.group]);
        let variables: std::collections::BTreeMap<&str, Value<String>> =
            variables.into_iter().collect();
        let resource = lambda::Function::new(code, role.arn())
            .function_name(name)
            .description(description)
            .runtime(function::Runtime::ProvidedAl2023)
            .handler("bootstrap")
            .architectures([architecture])
            .memory_size(spec.memory_mb)
            .timeout(spec.timeout_seconds)
            .reserved_concurrent_executions(spec.reserved_concurrency)
            .environment(function::Environment::new().variables(variables))
            .vpc_config(network)
            .tracing_config(function::TracingConfig::new().mode(function::Mode::Active))
            .dead_letter_config(function::DeadLetterConfig::new().target_arn(dead_letters.arn()))
            .logging_config(function::LoggingConfig::new().log_group(logs.id()));
        match files {
            Some(files) => resource.file_system_configs([files]),
            None => resource,
        }
    }
}

/// What a version is called. A version is published when its resource is new, and it
/// is a new one when its description changes: with the code, or any other property.
fn version_label(function: &lambda::Function, code_key: &Value<String>) -> Value<String> {
    let properties = function.clone().into_properties().into_json().to_string();
    join(" ", [code_key.clone(), digest::short(&properties).into()])
}

fn alias(
    stack: &mut Stack,
    id: &str,
    spec: &FunctionSpec,
    function: &Handle<lambda::Function>,
    label: Value<String>,
) -> Handle<lambda::Alias> {
    let version = stack.add_with(
        format!("{id}Version"),
        lambda::Version::new(function.id()).description(label),
        // Older versions stay: a rollback and a share of the calls need them.
        Options::new().on_replace(DeletionPolicy::Retain),
    );
    let live = lambda::Alias::new(function.id(), version.version(), ALIAS);
    let live = match spec.provisioned_concurrency {
        0 => live,
        count => live
            .provisioned_concurrency_config(alias::ProvisionedConcurrencyConfiguration::new(count)),
    };
    let live = match &spec.routing {
        None => live,
        Some(share) => {
            let weight = alias::VersionWeight::new(
                share.version.to_string(),
                f64::from(share.percent) / 100.0,
            );
            live.routing_config(
                alias::AliasRoutingConfiguration::new().additional_version_weights([weight]),
            )
        }
    };
    stack.add(format!("{id}Alias"), live)
}
