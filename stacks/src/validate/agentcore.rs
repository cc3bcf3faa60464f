//! Where agents run.

use runtime_core::functions::Function;

use super::{Check, RETENTIONS, choices};
use crate::spec::{
    AgentcoreSpec, CodeSpec, GatewaySpec, MemorySpec, Nat, NetworkSpec, RuntimeSpec, StackSpec,
};

/// Functions that can look at what passes the gateway.
const FUNCTIONS: [Function; 2] = [Function::GatewayRequest, Function::GatewayResponse];

/// Environment variables of a runtime, and the characters of each; limits of AgentCore.
const MOST_VARIABLES: usize = 50;
const LONGEST_VARIABLE: usize = 2048;

/// How the address of an issuer's discovery document ends.
const DISCOVERY: &str = "/.well-known/openid-configuration";

impl Check {
    pub(super) fn agentcore(&mut self, spec: &StackSpec) {
        let AgentcoreSpec { runtime, memory, gateway, functions, metrics } = &spec.agentcore;
        if let Some(runtime) = runtime {
            self.artefact(runtime);
            self.agents(runtime);
            self.ways_out(runtime, spec);
        }
        if let Some(memory) = memory {
            self.memory(memory);
        }
        if let Some(gateway) = gateway {
            self.gateway(gateway);
        }
        self.range("agentcore.metrics.keep_days", metrics.keep_days, 1..=3653, " days");
        for (function, spec) in functions {
            let field = format!("agentcore.functions.{}", function.name());
            let possible = FUNCTIONS.contains(function);
            let message = format!("{} does not look at what passes the gateway", function.name());
            self.that(possible, &field, message, &choices(&FUNCTIONS.map(Function::name)));
            let built = !possible || Function::BUILT.contains(function);
            let message = format!("there is no code of {} yet", function.name());
            self.that(built, &field, message, "remove it");
            let message = "there is no gateway whose traffic it could look at".to_owned();
            self.that(gateway.is_some(), &field, message, "add agentcore.gateway, or remove it");
            self.function(&field, spec);
        }
    }

    fn artefact(&mut self, runtime: &RuntimeSpec) {
        let field = |name: &str| format!("agentcore.runtime.{name}");
        let both = runtime.image.is_some() && runtime.code.is_some();
        let message = "there is an image, and code beside it".to_owned();
        self.that(!both, &field("image"), message, "keep agentcore.runtime.image or .code");
        let neither = runtime.image.is_none() && runtime.code.is_none();
        let message = "there is neither an image nor code".to_owned();
        self.that(!neither, "agentcore.runtime", message, "add image, or code");
        if let Some(uri) = &runtime.image {
            let message = format!("`{uri}` is not an image in ECR");
            let hint =
                "write one such as 111122223333.dkr.ecr.eu-west-1.amazonaws.com/agents:1.4.0";
            self.that(is_image(uri), &field("image"), message, hint);
        }
        let Some(CodeSpec { bucket, key, command, .. }) = &runtime.code else { return };
        let message = format!("`{bucket}` is not the name of a bucket");
        let hint = "write the name alone, without s3://";
        self.that(is_bucket(bucket), &field("code.bucket"), message, hint);
        let good = (1..=1024).contains(&key.len()) && !key.contains(['*', '?', '$']);
        let message = format!("`{key}` is not the key of a zip");
        self.that(good, &field("code.key"), message, "write one such as agents/1.4.0.zip");
        let good = (1..=2).contains(&command.len()) && command.iter().all(|it| !it.is_empty());
        let message = format!("a command of {} words is not possible", command.len());
        self.that(good, &field("code.command"), message, "write one or two, such as [main.py]");
    }

    fn agents(&mut self, runtime: &RuntimeSpec) {
        let field = |name: &str| format!("agentcore.runtime.{name}");
        for (index, model) in runtime.models.iter().enumerate() {
            let field = field(&format!("models[{index}]"));
            let message = format!("`{model}` is neither the id of a model nor an ARN in Bedrock");
            let hint = "write one such as eu.amazon.nova-lite-v1:0, without wildcards";
            self.that(is_model(model), &field, message, hint);
            let again = runtime.models[..index].contains(model);
            self.that(!again, &field, format!("{model} is listed twice"), "remove one");
        }
        let variables = &runtime.environment;
        let message = format!("{} variables are too many", variables.len());
        let hint = format!("keep to {MOST_VARIABLES}");
        self.that(variables.len() <= MOST_VARIABLES, &field("environment"), message, &hint);
        for (name, value) in variables {
            let field = field(&format!("environment.{name}"));
            let good = name.len() <= 100
                && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let message = format!("`{name}` is not the name of a variable");
            self.that(good, &field, message, "use letters, digits and underscores");
            let length = value.chars().count();
            let message = format!("the value has {length} characters");
            let hint = format!("keep it to {LONGEST_VARIABLE}");
            self.that(length <= LONGEST_VARIABLE, &field, message, &hint);
        }
        let (idle, longest) = (runtime.idle_seconds, runtime.longest_seconds);
        self.range(&field("idle_seconds"), idle, 60..=28_800, " seconds");
        self.range(&field("longest_seconds"), longest, 60..=28_800, " seconds");
        let message = format!("{idle} idle seconds are longer than the longest session");
        let hint = format!("choose at most longest_seconds, which is {longest}");
        self.that(idle <= longest, &field("idle_seconds"), message, &hint);
        let days = runtime.log_retention_days;
        let known = RETENTIONS.contains(&days);
        let message = format!("{days} days is not offered");
        self.that(known, &field("log_retention_days"), message, &choices(&RETENTIONS));
    }

    /// Agents fetch their image, call models and write logs through the VPC: without NAT,
    /// only what has an endpoint can be reached.
    /// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/agentcore-vpc.html>
    fn ways_out(&mut self, runtime: &RuntimeSpec, spec: &StackSpec) {
        let (section, network): (_, &NetworkSpec) = if spec.two_regions() {
            ("runtime_network", &spec.runtime_network)
        } else {
            ("network", &spec.network)
        };
        if network.nat != Nat::None {
            return;
        }
        let image: &[&str] = if runtime.image.is_some() { &["ecr.api", "ecr.dkr"] } else { &[] };
        let models: &[&str] = if runtime.models.is_empty() { &[] } else { &["bedrock-runtime"] };
        let needed = ["bedrock-agentcore", "logs"].iter().chain(image).chain(models);
        let there = |service: &str| network.interface_services().any(|it| it == service);
        let missing: Vec<&str> = needed.copied().filter(|service| !there(service)).collect();
        let message = format!(
            "agents cannot reach {}: there is neither a NAT gateway nor an endpoint",
            missing.join(", ")
        );
        let field = format!("{section}.interface_endpoints");
        let hint = format!(
            "set {section}.endpoints to platform and list here what is still missing, or set \
             {section}.nat to single"
        );
        self.that(missing.is_empty(), &field, message, &hint);
        let public = runtime.image.as_ref().is_some_and(|uri| uri.starts_with("public."));
        let message = "public images have no endpoint, and there is no NAT gateway".to_owned();
        let hint = format!("copy the image to a private repository, or set {section}.nat");
        self.that(!public, "agentcore.runtime.image", message, &hint);
    }

    fn memory(&mut self, memory: &MemorySpec) {
        self.range("agentcore.memory.event_days", memory.event_days, 3..=365, " days");
        for (index, strategy) in memory.strategies.iter().enumerate() {
            let again = memory.strategies[..index].contains(strategy);
            let field = format!("agentcore.memory.strategies[{index}]");
            self.that(!again, &field, format!("{} is listed twice", strategy.name()), "remove one");
        }
    }

    fn gateway(&mut self, gateway: &GatewaySpec) {
        let Some(tokens) = &gateway.tokens else { return };
        let field = |name: &str| format!("agentcore.gateway.tokens.{name}");
        let url = &tokens.discovery_url;
        let good = url.strip_prefix("https://").is_some_and(|rest| {
            rest.strip_suffix(DISCOVERY).is_some_and(|host| !host.is_empty())
                && rest.chars().all(|c| c.is_ascii_graphic())
        });
        let message = format!("`{url}` is not the address of a discovery document");
        let hint = format!("write one such as https://login.acme.example{DISCOVERY}");
        self.that(good, &field("discovery_url"), message, &hint);
        let anybody = tokens.audiences.is_empty() && tokens.clients.is_empty();
        let message = "every token of the issuer would be accepted, whomever it is for".to_owned();
        let hint = "list the audiences or the clients whose tokens are meant for the gateway";
        self.that(!anybody, &field("audiences"), message, hint);
    }
}

/// In a private registry of ECR, or in the public one.
fn is_image(uri: &str) -> bool {
    let Some((host, path)) = uri.split_once('/') else { return false };
    let parts: Vec<&str> = host.split('.').collect();
    let private = matches!(&parts[..], [account, "dkr", "ecr", region, "amazonaws", "com"]
        if account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && super::is_region(region));
    let good = path.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:@".contains(&b));
    uri.len() <= 1024 && (private || host == "public.ecr.aws") && good
}

fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// `amazon.nova-lite-v1:0`, `eu.amazon.nova-lite-v1:0`, or an ARN.
fn is_model(text: &str) -> bool {
    let good = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b));
    let known = if text.starts_with("arn:") {
        text.starts_with("arn:aws:bedrock:")
    } else {
        text.contains('.') && !text.contains('/')
    };
    good && known && (5..=2048).contains(&text.len())
}
