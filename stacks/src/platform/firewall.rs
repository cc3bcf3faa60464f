//! The web ACL: what is let through to the API.
//!
//! It is on the API and not on the distribution: an ACL of CloudFront has to be in
//! us-east-1, in a stack of its own, and would not see who calls the API past the
//! distribution. Here everybody comes by, and only the distribution gets on.

use serde_json::json;

use super::Common;
use super::web::{SECRET_HEADER, VIEWER_HEADER};
use crate::cfn::aws::logs;
use crate::cfn::aws::wafv2::{self, logging_configuration as logging, web_acl as acl};
use crate::cfn::iam::{Operator, PolicyDocument, Principal, Statement};
use crate::cfn::{Options, Stack, Value, arn, pseudo};
use crate::spec::FirewallSpec;

/// AWS's rule groups, with the rules that count instead of blocking. Bodies hold what
/// people say to agents: text about scripts and queries, and long ones. They are JSON
/// whose shape the API checks, and no function builds a query or a page from them.
///
/// <https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html>
const GROUPS: [(&str, &[&str]); 4] = [
    // It looks at the address of whoever connects: those who come past the distribution.
    ("AWSManagedRulesAmazonIpReputationList", &[]),
    (
        "AWSManagedRulesCommonRuleSet",
        &[
            "SizeRestrictions_BODY",
            "CrossSiteScripting_BODY",
            "EC2MetaDataSSRF_BODY",
            "GenericLFI_BODY",
            "GenericRFI_BODY",
        ],
    ),
    ("AWSManagedRulesKnownBadInputsRuleSet", &[]),
    ("AWSManagedRulesSQLiRuleSet", &["SQLi_BODY", "SQLiExtendedPatterns_BODY"]),
];

/// Headers that logs and samples do not show.
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", SECRET_HEADER];

/// The ACL of the API's stage, and its logs.
pub(super) fn firewall(
    stack: &mut Stack,
    common: &Common,
    stage: Value<String>,
    secret: &Value<String>,
) {
    let name = stack.naming().name("api");
    let spec = &common.spec.firewall;
    let acl = wafv2::WebAcl::new(
        acl::DefaultAction::new().allow(acl::AllowAction::new()),
        acl::Scope::Regional,
        visibility("api"),
    )
    .name(&name)
    .description("What is let through to the API")
    .data_protection_config(acl::DataProtectionConfig::new([acl::DataProtect::new(
        acl::DataProtectionAction::Substitution,
        acl::FieldToProtect::new(acl::FieldType::SingleHeader).field_keys(SECRET_HEADERS),
    )]))
    .rules(rules(spec, secret));
    let acl = stack.add("WebAcl", acl);
    stack.add("WebAclAssociation", wafv2::WebAclAssociation::new(stage, acl.arn()));
    log(stack, common, &name, acl.arn());
}

fn rules(spec: &FirewallSpec, secret: &Value<String>) -> Vec<acl::Rule> {
    let mut rules = Vec::new();
    let mut add = |name: &str, rule: fn(acl::Rule) -> acl::Rule, statement: acl::Statement| {
        let priority = i64::try_from(rules.len()).unwrap_or(i64::MAX);
        rules.push(rule(acl::Rule::new(name, priority, statement, visibility(name))));
    };
    add("through-the-distribution", block, not(from_the_distribution(secret)));
    if !spec.countries.is_empty() {
        let geo = acl::GeoMatchStatement::new()
            .country_codes(spec.countries.iter().map(String::as_str).collect::<Vec<_>>())
            .forwarded_ip_config(viewer());
        add("countries", block, not(acl::Statement::new().geo_match_statement(geo)));
    }
    let rate = acl::RateBasedStatement::new(
        acl::AggregateKeyType::ForwardedIp,
        spec.requests_per_five_minutes,
    )
    .evaluation_window_sec(300)
    .forwarded_ip_config(viewer());
    add("rate", block, acl::Statement::new().rate_based_statement(rate));
    for (group, counted) in GROUPS {
        let overrides = counted.iter().map(|rule| {
            let count = acl::RuleAction::new().count(acl::CountAction::new());
            acl::RuleActionOverride::new(count, *rule)
        });
        let overrides: Vec<_> = overrides.collect();
        let statement = acl::ManagedRuleGroupStatement::new(group, "AWS");
        let statement = if overrides.is_empty() {
            statement
        } else {
            statement.rule_action_overrides(overrides)
        };
        let keep: fn(acl::Rule) -> acl::Rule =
            |rule| rule.override_action(acl::OverrideAction::new().none(json!({})));
        add(group, keep, acl::Statement::new().managed_rule_group_statement(statement));
    }
    rules
}

fn block(rule: acl::Rule) -> acl::Rule {
    rule.action(acl::RuleAction::new().block(acl::BlockAction::new()))
}

fn not(statement: acl::Statement) -> acl::Statement {
    acl::Statement::new().not_statement(acl::NotStatement::new(statement))
}

fn from_the_distribution(secret: &Value<String>) -> acl::Statement {
    let header = acl::FieldToMatchSingleHeader::new(SECRET_HEADER);
    let equal = acl::ByteMatchStatement::new(
        acl::FieldToMatch::new().single_header(header),
        acl::PositionalConstraint::Exactly,
        [acl::TextTransformation::new(0, acl::TextTransformationType::None)],
    )
    .search_string(secret);
    acl::Statement::new().byte_match_statement(equal)
}

/// Whose address counts: the distribution says it, and nobody else gets this far.
fn viewer() -> acl::ForwardedIpConfiguration {
    acl::ForwardedIpConfiguration::new(acl::FallbackBehavior::Match, VIEWER_HEADER)
}

/// Metrics, and samples: what they show is protected like the logs.
fn visibility(metric: &str) -> acl::VisibilityConfig {
    acl::VisibilityConfig::new(true, metric, true)
}

/// What was blocked or counted. What passed is in the access logs, without addresses.
fn log(stack: &mut Stack, common: &Common, name: &str, acl: Value<String>) {
    // WAF writes only to groups whose names begin so.
    let group_name = format!("aws-waf-logs-{name}");
    let group = logs::LogGroup::new()
        .log_group_name(&group_name)
        .retention_in_days(common.spec.api.log_retention_days)
        .kms_key_id(&common.logs_key);
    let group = stack.add("WebAclLogGroup", group);
    let policy = logs::ResourcePolicy::new(delivery(&group_name), &group_name);
    let policy = stack.add("WebAclLogPolicy", policy);
    let conditions = [acl_action(logging::Action::Block), acl_action(logging::Action::Count)];
    let keep =
        logging::Filter::new(logging::Behavior::Keep, conditions, logging::Requirement::MeetsAny);
    let redacted = SECRET_HEADERS.map(|header| {
        logging::FieldToMatch::new().single_header(logging::SingleHeader::new(header))
    });
    // Without the `:*` that the attribute of a group ends in.
    let destination = arn("logs", &format!("log-group:{group_name}"));
    let configuration = wafv2::LoggingConfiguration::new([destination], acl)
        .logging_filter(logging::LoggingFilter::new(logging::DefaultBehavior::Drop, [keep]))
        .redacted_fields(redacted);
    let after = Options::new().depends_on(&group).depends_on(&policy);
    stack.add_with("WebAclLogs", configuration, after);
}

fn acl_action(action: logging::Action) -> logging::Condition {
    logging::Condition::new().action_condition(logging::ActionCondition::new(action))
}

/// Lets the log delivery of this account write to the group.
fn delivery(group: &str) -> PolicyDocument {
    PolicyDocument::new([Statement::allow(["logs:CreateLogStream", "logs:PutLogEvents"])
        .sid("LogsOfTheFirewall")
        .principal(Principal::service("delivery.logs.amazonaws.com"))
        .resource(arn("logs", &format!("log-group:{group}:*")))
        .when(Operator::StringEquals, "aws:SourceAccount", pseudo::account_id())
        .when(Operator::ArnLike, "aws:SourceArn", arn("logs", "*"))])
}
