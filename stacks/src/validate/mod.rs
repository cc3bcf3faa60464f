//! Refuses specs that AWS would refuse, before anything is synthesized.

mod agentcore;
mod identity;
mod observability;
mod platform;
mod regions;
mod tenants;

use std::collections::BTreeMap;

use runtime_core::names::{TAG_ENVIRONMENT, TAG_PROJECT, TAG_STACK};

use crate::spec::{
    BudgetSpec, EfsSpec, Endpoints, FunctionSpec, NetworkSpec, PLATFORM_ENDPOINTS, StackSpec,
    Storage,
};
use crate::{SpecError, SpecErrors, subnets};

/// `{project}-{environment}` may be this long: the artefact bucket's name adds
/// `-artefacts-`, a 12-digit account, `-` and a region of up to 14 letters, and S3
/// allows 63 in all.
const LONGEST_PREFIX: usize = 25;

/// 50 tags a resource, less `project`, `environment` and `stack`.
const MOST_TAGS: usize = 47;

/// Interface endpoints a VPC may have by default.
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-limits-endpoints.html>
const MOST_ENDPOINTS: usize = 50;

/// What CloudWatch Logs accepts, in days.
const RETENTIONS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

/// What the lifecycle of EFS accepts, in days.
const ARCHIVE_AFTER: [u16; 9] = [1, 7, 14, 30, 60, 90, 180, 270, 365];

/// Alerts that a budget may have, as the documentation of CloudFormation says.
const MOST_ALERTS: usize = 5;

/// How the names of regions of other partitions begin: China, `GovCloud`, the isolated
/// ones, and the European Sovereign Cloud. ARNs and addresses are other ones there.
const OTHER_PARTITIONS: [&str; 5] = ["cn-", "us-gov-", "us-iso", "eu-iso", "eusc-"];

/// The shortest time limit of a function, in seconds: two are kept back for the answer,
/// and work that meets others needs some to try again.
const SHORTEST_TIMEOUT: u32 = 5;

/// Checks every value and collects all problems.
pub(crate) fn validate(spec: &StackSpec) -> Result<(), SpecErrors> {
    let mut check = Check(Vec::new());
    check.names(spec);
    check.tags(&spec.tags);
    check.network("network", &spec.network);
    check.zones("network", &spec.network, &spec.region);
    check.regions(spec);
    check.agentcore(spec);
    check.efs(&spec.efs);
    check.one_zone(spec);
    check.observability(&spec.observability);
    check.platform(&spec.platform);
    check.functions_ways_out(spec);
    check.budget(&spec.budget);
    check.tiers(spec);
    check.tenants(spec);
    check.identity(&spec.identity);
    if check.0.is_empty() { Ok(()) } else { Err(SpecErrors(check.0)) }
}

struct Check(Vec<SpecError>);

impl Check {
    fn that(&mut self, holds: bool, field: &str, message: String, hint: &str) {
        if !holds {
            self.0.push(SpecError::new(field, message, hint));
        }
    }

    fn range(&mut self, field: &str, value: u32, range: std::ops::RangeInclusive<u32>, unit: &str) {
        let hint = format!("choose {} to {}{unit}", range.start(), range.end());
        self.that(range.contains(&value), field, format!("{value} is out of range"), &hint);
    }

    fn names(&mut self, spec: &StackSpec) {
        for (field, name) in [("project", &spec.project), ("environment", &spec.environment)] {
            let hint = "use lowercase letters, digits and single hyphens, starting with a letter";
            self.that(is_name(name), field, format!("`{name}` is not usable in names"), hint);
        }
        let prefix = spec.project.len() + 1 + spec.environment.len();
        let message = format!(
            "`{}-{}` has {prefix} characters, and names of resources begin with it",
            spec.project, spec.environment
        );
        let hint = format!("shorten the project or the environment, to {LONGEST_PREFIX} in all");
        self.that(prefix <= LONGEST_PREFIX, "project", message, &hint);
        self.region("region", &spec.region);
    }

    fn region(&mut self, field: &str, region: &str) {
        let message = format!("`{region}` is not the name of a region");
        self.that(is_region(region), field, message, "write one such as eu-west-2");
        let other = OTHER_PARTITIONS.iter().any(|start| region.starts_with(start));
        let message = format!("only the aws partition is supported, and {region} is in another");
        self.that(!other, field, message, "choose a region such as eu-west-2");
    }

    fn zones(&mut self, section: &str, network: &NetworkSpec, region: &str) {
        let NetworkSpec { zones, availability_zones: names, .. } = network;
        let field = &format!("{section}.availability_zones");
        let fits = names.is_empty() || names.len() == usize::from(*zones);
        let message = format!("{} names for {zones} zones", names.len());
        self.that(fits, field, message, "name each zone once, or leave the names out");
        for (index, name) in names.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let letter = name.strip_prefix(region).unwrap_or_default();
            let within = matches!(letter.as_bytes(), [b'a'..=b'z']);
            let message = format!("`{name}` is not a zone of {region}");
            self.that(within, &field, message, &format!("write one such as {region}a"));
            let again = names[..index].contains(name);
            self.that(!again, &field, format!("{name} is listed twice"), "remove one");
        }
    }

    /// By position, the zone of the file system could change, and with it all data.
    fn one_zone(&mut self, spec: &StackSpec) {
        let holds =
            spec.efs.storage == Storage::Regional || !spec.network.availability_zones.is_empty();
        let message = "storage in one zone needs to know the zone's name: AWS lists zones in no \
                       fixed order, and a file system in another zone would be a new, empty one";
        let hint = format!(
            "name the zones in network.availability_zones, such as [{}a], or choose regional",
            spec.region
        );
        self.that(holds, "efs.storage", message.to_owned(), &hint);
    }

    fn tags(&mut self, tags: &BTreeMap<String, String>) {
        let message = format!("{} tags are too many", tags.len());
        let hint = format!("keep to {MOST_TAGS}: AWS allows 50, and three are ours");
        self.that(tags.len() <= MOST_TAGS, "tags", message, &hint);
        for (key, value) in tags {
            let field = format!("tags.{key}");
            let ours = [TAG_PROJECT, TAG_ENVIRONMENT, TAG_STACK].contains(&key.as_str());
            let message = format!("the tag `{key}` is set on every resource already");
            self.that(!ours, &field, message, "choose another key");
            let aws = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
            self.that(!aws, &field, "keys that begin with `aws:` are AWS's".into(), "rename it");
            for (text, what, longest) in [(key, "key", 128), (value, "value", 256)] {
                let length = text.chars().count();
                let message = format!("the {what} has {length} characters");
                let hint = format!("keep it to {longest}");
                self.that(length <= longest, &field, message, &hint);
                let odd = text.chars().find(|&c| !is_tag_character(c));
                let message = format!("the {what} contains `{}`", odd.unwrap_or_default());
                let hint = "use letters, digits, spaces and + - = . _ : / @";
                self.that(odd.is_none(), &field, message, hint);
            }
            self.that(!key.is_empty(), &field, "the key is empty".into(), "name the tag");
        }
    }

    fn network(&mut self, section: &str, network: &NetworkSpec) {
        self.0.extend(subnets::plan(network).err().map(|error| error.in_section(section)));
        let field = &format!("{section}.interface_endpoints");
        let endpoints = &network.interface_endpoints;
        let all = network.interface_services().count();
        let message = format!("{all} endpoints are too many");
        let hint = format!("keep to {MOST_ENDPOINTS}, the quota of a VPC");
        self.that(all <= MOST_ENDPOINTS, field, message, &hint);
        for (index, name) in endpoints.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let hint = "write what follows com.amazonaws.<region>., such as secretsmanager";
            self.that(is_service(name), &field, format!("`{name}` is not a service"), hint);
            let gateway = name == "s3" || name == "dynamodb";
            let message = format!("{name} has a gateway endpoint already");
            self.that(!gateway, &field, message, "remove it: gateway endpoints are free");
            // `ecr.api` and `ecr-api` would have the same logical id.
            let words = |name: &str| name.replace(['.', '_'], "-");
            let again = endpoints[..index].iter().any(|other| words(other) == words(name));
            self.that(!again, &field, format!("{name} is listed twice"), "remove one");
            let set = network.endpoints == Endpoints::Platform
                && PLATFORM_ENDPOINTS.iter().any(|other| words(other) == words(name));
            let message = format!("{name} is in the set `platform` already");
            self.that(!set, &field, message, "remove it");
        }
    }

    fn efs(&mut self, efs: &EfsSpec) {
        let days = efs.archive_after_days;
        let known = ARCHIVE_AFTER.contains(&days);
        let field = "efs.archive_after_days";
        self.that(known, field, format!("{days} days is not offered"), &choices(&ARCHIVE_AFTER));
        let root = "an access point that acts as root bypasses file permissions".to_owned();
        self.that(efs.posix_id != 0, "efs.posix_id", root, "choose another, such as 1000");
        self.function("efs", &efs.git_store);
    }

    fn function(&mut self, field: &str, function: &FunctionSpec) {
        let named = |name: &str| format!("{field}.{name}");
        self.range(&named("memory_mb"), function.memory_mb, 128..=10_240, " MB");
        let seconds = function.timeout_seconds;
        self.range(&named("timeout_seconds"), seconds, SHORTEST_TIMEOUT..=900, " seconds");
        let most = function.reserved_concurrency;
        self.range(&named("reserved_concurrency"), most, 1..=10_000, "");
        self.retention(&named("log_retention_days"), function.log_retention_days);
        let warm = function.provisioned_concurrency;
        let message = format!("{warm} executions kept warm are more than the {most} reserved");
        let hint = "raise reserved_concurrency, or keep fewer warm";
        self.that(warm <= most, &named("provisioned_concurrency"), message, hint);
        if let Some(share) = &function.routing {
            self.range(&named("routing.percent"), share.percent.into(), 1..=99, " percent");
            let message = "versions count from 1".to_owned();
            let hint = "write the number of a version that was published";
            self.that(share.version > 0, &named("routing.version"), message, hint);
        }
    }

    fn retention(&mut self, field: &str, days: u32) {
        let known = RETENTIONS.contains(&days);
        let message = format!("{days} days is not offered");
        self.that(known, field, message, &choices(&RETENTIONS));
    }

    fn budget(&mut self, budget: &BudgetSpec) {
        let positive = budget.monthly_usd > 0;
        let message = "a budget of nothing is always exceeded".to_owned();
        self.that(positive, "budget.monthly_usd", message, "choose at least 1 US dollar");
        let message = format!("{} addresses are too many", budget.emails.len());
        let hint = "keep to 10, or use a mailing list";
        self.that(budget.emails.len() <= 10, "budget.emails", message, hint);
        for (index, email) in budget.emails.iter().enumerate() {
            let field = format!("budget.emails[{index}]");
            let message = format!("`{email}` is not a mail address");
            self.that(is_email(email), &field, message, "write one such as ops@acme.example");
            let again = budget.emails[..index].contains(email);
            self.that(!again, &field, format!("{email} is listed twice"), "remove one");
        }
        let lists = [
            ("budget.actual_thresholds", &budget.actual_thresholds),
            ("budget.forecast_thresholds", &budget.forecast_thresholds),
        ];
        for (field, thresholds) in lists {
            for (index, threshold) in thresholds.iter().enumerate() {
                let field = format!("{field}[{index}]");
                self.range(&field, *threshold, 1..=1000, " percent");
                let again = thresholds[..index].contains(threshold);
                self.that(!again, &field, format!("{threshold} is listed twice"), "remove one");
            }
        }
        let alerts = budget.actual_thresholds.len() + budget.forecast_thresholds.len();
        let message = format!("{alerts} thresholds, actual and forecast, are too many");
        let hint = format!("keep to {MOST_ALERTS}");
        self.that(alerts <= MOST_ALERTS, "budget.actual_thresholds", message, &hint);
    }
}

fn choices(values: &[impl ToString]) -> String {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    format!("choose one of {}", values.join(", "))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.ends_with('-')
        && !name.contains("--")
}

/// `eu-west-2`, `ap-southeast-1`: words and a number.
fn is_region(name: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let parts: Vec<&str> = name.split('-').collect();
    match &parts[..] {
        [words @ .., number] => {
            words.len() >= 2
                && words.iter().all(|part| word(part))
                && matches!(number.as_bytes(), [b'1'..=b'9'])
        }
        [] => false,
    }
}

fn is_service(name: &str) -> bool {
    name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b))
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c)
}

fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let plain = text.chars().all(|c| c.is_ascii_graphic()) && text.len() <= 254;
    plain
        && !name.is_empty()
        && domain.contains('.')
        && !domain.contains('@')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}
