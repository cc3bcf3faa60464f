//! What holds between stacks, and of an environment as a whole: rules that are code, since
//! no rule file sees more than one template.
//!
//! [`invariants`] is pure: synthesized stacks in, findings out. Its rules are in
//! [`catalogue`], and exemptions cover them as they cover others.

mod bounded;
mod callers;
mod confined;
mod iam;
mod isolation;
mod names;
mod principals;
mod quotas;
mod reads;
mod requests;
mod resolve;
mod retained;
mod unique;
mod watched;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use stacks::StackTemplate;

use super::finding::{Finding, Severity};
use super::rules::RuleInfo;
use super::{exemptions, template};

const TENANTS_APART: &str = "tenants-apart";
const OWN: &str = "tenant-reaches-its-own";
const DEAD_LETTERS: &str = "queue-has-dead-letters";
const DEAD_LETTERS_WATCHED: &str = "dead-letters-watched";
const ALARM_ACTION: &str = "alarm-has-action";
const CALLER: &str = "function-has-caller";
const PARAMETER: &str = "parameter-written-before";
const TEMPLATE_SIZE: &str = "template-within-limits";
const NAME_LENGTH: &str = "name-within-limits";
const QUOTA: &str = "within-default-quotas";
const NAME_UNIQUE: &str = "name-unique";
const DATA_RETAINED: &str = "data-retained";
const ROLE_BOUNDED: &str = "role-bounded";
const KEY_USE_CONFINED: &str = "key-use-confined";
const SESSION_TAG_USED: &str = "session-tag-used";
const PIPELINE_KEPT_OUT: &str = "pipeline-kept-out";

/// Where these rules are defined.
const FILE: &str = "src/guard/invariants.rs";

/// Every finding about the stacks of one environment, in the order of deployment.
pub fn invariants(stacks: &[StackTemplate]) -> Vec<Finding> {
    let environment = resolve::Environment::new(stacks);
    let mut findings = isolation::isolation(stacks);
    findings.extend(watched::watched(&environment));
    findings.extend(callers::callers(&environment));
    findings.extend(reads::reads(&environment));
    findings.extend(quotas::quotas(&environment));
    findings.extend(unique::unique(&environment));
    findings.extend(retained::retained(&environment));
    findings.extend(bounded::bounded(&environment));
    findings.extend(confined::confined(&environment));
    findings
}

/// Every rule that is code: these, and those about a template or the exemptions as a
/// whole. `explain`, `--only`, `--skip`, exemptions, baselines and every report know them.
pub fn catalogue() -> Vec<RuleInfo> {
    let own = ALL.iter().map(|(id, severity, title, why, fix)| {
        RuleInfo::of_code(id, FILE, title, why, fix, *severity)
    });
    let mut rules = exemptions::own_rules();
    rules.extend(template::own_rules());
    rules.extend(own);
    rules
}

/// The rule of an id of the catalogue.
fn info(id: &str) -> Rule {
    let found = ALL.iter().find(|rule| rule.0 == id);
    let (why, fix, severity) = found.map_or(("", "", Severity::Error), |it| (it.3, it.4, it.1));
    Rule { why, fix, severity }
}

struct Rule {
    why: &'static str,
    fix: &'static str,
    severity: Severity,
}

/// A finding about a resource, in the words of its rule.
fn about(
    rule: &str,
    stack: &StackTemplate,
    resource: (&str, &str),
    property: &str,
    found: impl Into<String>,
    wanted: impl Into<String>,
) -> Finding {
    let Rule { why, fix, severity } = info(rule);
    let (id, type_name) = resource;
    Finding::new(rule, severity, &stack.name, id, type_name, property, found, wanted, why, fix)
}

type Text = &'static str;

/// Id, severity, title, what goes wrong, what to do.
const ALL: &[(Text, Severity, Text, Text, Text)] = &[
    (
        TENANTS_APART,
        Severity::Error,
        "No tenant's role reaches what is another tenant's",
        "One tenant's agents read or change another tenant's data.",
        "Narrow the statement to the tenant: its id between separators in ARNs and prefixes, and as the value of dynamodb:LeadingKeys (with Null false), s3:prefix and the encryption context.",
    ),
    (
        OWN,
        Severity::Error,
        "A tenant's role reaches what its statements name",
        "A condition that no request meets makes the statement void: the tenant cannot work.",
        "Check the statement's conditions, and the denials beside it.",
    ),
    (
        DEAD_LETTERS,
        Severity::Error,
        "Every queue has a dead-letter queue",
        "A message that cannot be handled is tried until it expires, and then it is gone.",
        "Add a RedrivePolicy with a dead-letter queue.",
    ),
    (
        DEAD_LETTERS_WATCHED,
        Severity::Error,
        "Every dead-letter queue has an alarm",
        "Failed messages expire unseen.",
        "Add an alarm on ApproximateNumberOfMessagesVisible of the queue.",
    ),
    (
        ALARM_ACTION,
        Severity::Error,
        "Every alarm tells somebody, itself or in a composite alarm",
        "It goes off, and nobody hears it.",
        "Add AlarmActions, or name the alarm in the rule of a composite alarm that has some.",
    ),
    (
        CALLER,
        Severity::Warning,
        "Every function has a caller",
        "A function that nothing calls costs attention and widens what can be attacked.",
        "Wire it to what calls it, publish its ARN, or remove it.",
    ),
    (
        PARAMETER,
        Severity::Error,
        "Every SSM parameter that is read is written by an earlier stack",
        "The stack cannot be deployed into an empty account, or the function fails when it reads.",
        "Publish the value in the stack that knows it, before this one.",
    ),
    (
        TEMPLATE_SIZE,
        Severity::Error,
        "Every template is within CloudFormation's limits",
        "CloudFormation refuses it (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html).",
        "Split the stack.",
    ),
    (
        NAME_LENGTH,
        Severity::Error,
        "Every physical name is as short as AWS wants it",
        "The service refuses the name, in the middle of the deployment.",
        "Shorten the project, the environment or the name.",
    ),
    (
        NAME_UNIQUE,
        Severity::Error,
        "No two resources of a type have the same name",
        "The second one cannot be made, and the deployment stops half-way.",
        "Give it a name of its own, with the stack's or the tenant's name in it.",
    ),
    (
        DATA_RETAINED,
        Severity::Error,
        "What holds data outlives its stack",
        "Deleting the stack, or a change that replaces the resource, deletes the data for good.",
        "Set DeletionPolicy to RetainExceptOnCreate and UpdateReplacePolicy to Retain.",
    ),
    (
        KEY_USE_CONFINED,
        Severity::Error,
        "Roles use keys through a service or in an encryption context alone",
        "The role decrypts whatever it gets hold of, past the service that keeps the data.",
        "Add a condition on kms:ViaService, or on kms:EncryptionContext with the tenant.",
    ),
    (
        SESSION_TAG_USED,
        Severity::Error,
        "A role that is taken with session tags looks at them",
        "The session is meant for one tenant, and reaches all of them.",
        "Compare aws:PrincipalTag in the conditions of the role's statements, or take the role without tags.",
    ),
    (
        ROLE_BOUNDED,
        Severity::Error,
        "Where pipelines make bounded roles alone, every role is bounded",
        "The pipeline may not make the role; made by somebody else, it may do more than any pipeline was trusted with.",
        "Set PermissionsBoundary to the environment's boundary.",
    ),
    (
        PIPELINE_KEPT_OUT,
        Severity::Error,
        "No pipeline changes what it is itself allowed",
        "Whoever gets a change into the pipeline's branch gives the pipeline, and themselves, every right.",
        "Deny it in a statement of its own, on every resource or on those of the identity stack.",
    ),
    (
        QUOTA,
        Severity::Warning,
        "What the environment needs is within the quotas of a new account",
        "The deployment stops half-way, where the account is full.",
        "Have AWS raise the quota first, make tiers pooled, or spread tenants over accounts.",
    ),
];
