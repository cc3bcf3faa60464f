//! Decisions as AWS's documentation gives them.
#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

use serde_json::{Value, json};

use super::*;

/// A policy of one statement, with `Version` and the wrapping left out.
fn policy(statement: Value) -> Policy {
    policies(vec![statement]).remove(0)
}

fn policies(statements: Vec<Value>) -> Vec<Policy> {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    vec![Policy::read(&document, &texts)]
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Object(_) => vec![HOLE.to_string()],
        other => vec![other.to_string()],
    }
}

fn allowed(statement: Value, request: &Request) -> bool {
    decide(&[policy(statement)], request).is_allowed()
}

fn on_all(condition: &Value) -> Value {
    json!({ "Sid": "S", "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition })
}

/// Whether a condition lets a request with these keys through.
fn holds(condition: &Value, context: &[(&str, &[&str])]) -> bool {
    let request =
        context.iter().fold(Request::new("s3:GetObject", "*"), |request, (key, values)| {
            request.with(key, values)
        });
    allowed(on_all(condition), &request)
}

#[test]
fn actions_are_matched_without_regard_to_case_and_with_wildcards() {
    for (pattern, action, matches) in [
        ("s3:GetObject", "s3:GetObject", true),
        ("S3:getobject", "s3:GetObject", true),
        ("s3:Get*", "s3:GetObjectVersion", true),
        ("s3:*", "s3:DeleteBucket", true),
        ("s3:?etObject", "s3:GetObject", true),
        ("*", "iam:CreateUser", true),
        ("iam:*AccessKey*", "iam:CreateAccessKey", true),
        ("s3:Get*", "s3:PutObject", false),
        ("s3:GetObject", "s3:GetObjectVersion", false),
        ("s3:?etObject", "s3:etObject", false),
        ("s3", "s3:GetObject", false),
    ] {
        let statement = json!({ "Effect": "Allow", "Action": pattern, "Resource": "*" });
        let request = Request::new(action, "*");
        assert_eq!(allowed(statement, &request), matches, "{pattern} {action}");
    }
}

#[test]
fn resources_are_matched_with_regard_to_case() {
    let bucket = "arn:aws:s3:::amzn-s3-demo-bucket";
    for (pattern, resource, matches) in [
        ("*", bucket, true),
        ("arn:aws:s3:::amzn-s3-demo-bucket", bucket, true),
        ("arn:aws:s3:::amzn-s3-demo-bucket/*", "arn:aws:s3:::amzn-s3-demo-bucket/a/b", true),
        (
            "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*",
            "arn:aws:s3:::amzn-s3-demo-bucket/1/2/test/3",
            true,
        ),
        (
            "arn:aws:s3:::amzn-s3-demo-bucket/prefix*",
            "arn:aws:s3:::amzn-s3-demo-bucket/prefix-2/x",
            true,
        ),
        ("arn:aws:sqs:*:111122223333:jobs", "arn:aws:sqs:eu-west-2:111122223333:jobs", true),
        ("arn:aws:s3:::amzn-s3-demo-bucket/*", bucket, false),
        ("arn:aws:s3:::amzn-s3-demo-bucket", "arn:aws:s3:::amzn-s3-demo-bucket/a", false),
        ("arn:aws:s3:::Amzn-s3-demo-bucket", bucket, false),
        ("arn:aws:sqs:*:111122223333:jobs", "arn:aws:sqs:eu-west-2:999999999999:jobs", false),
    ] {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": pattern });
        let request = Request::new("x:Do", resource);
        assert_eq!(allowed(statement, &request), matches, "{pattern} {resource}");
    }
}

#[test]
fn a_denial_wins_whatever_allows() {
    let allow = json!({ "Sid": "Yes", "Effect": "Allow", "Action": "s3:*", "Resource": "*" });
    let deny = json!({ "Sid": "No", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*" });
    let get = Request::new("s3:GetObject", "*");
    let delete = Request::new("s3:DeleteObject", "*");
    for order in [vec![allow.clone(), deny.clone()], vec![deny.clone(), allow.clone()]] {
        let both = policies(order);
        assert_eq!(decide(&both, &get), Decision::Allowed("Yes".into()));
        assert_eq!(decide(&both, &delete), Decision::Denied("No".into()));
    }
    assert_eq!(decide(&policies(vec![deny]), &get), Decision::NotAllowed);
    assert_eq!(decide(&[], &get), Decision::NotAllowed);
}

#[test]
fn not_action_and_not_resource_are_all_the_others() {
    let statement = json!({ "Effect": "Allow", "NotAction": ["iam:*", "sts:*"], "Resource": "*" });
    assert!(allowed(statement.clone(), &Request::new("s3:GetObject", "*")));
    assert!(!allowed(statement, &Request::new("iam:CreateUser", "*")));
    let statement = json!({
        "Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::private/*",
    });
    assert!(allowed(statement.clone(), &Request::new("s3:GetObject", "arn:aws:s3:::public/a")));
    assert!(!allowed(statement, &Request::new("s3:GetObject", "arn:aws:s3:::private/a")));
}

#[test]
fn operators_compare_as_documented() {
    for (operator, wanted, given, matches) in [
        ("StringEquals", "a", "a", true),
        ("StringEquals", "a*", "ab", false),
        ("StringEquals", "a*", "a*", true),
        ("StringEquals", "a", "A", false),
        ("StringEqualsIgnoreCase", "a", "A", true),
        ("StringNotEquals", "a", "b", true),
        ("StringNotEquals", "a", "a", false),
        ("StringNotEqualsIgnoreCase", "a", "A", false),
        ("StringLike", "home/*", "home/a/b", true),
        ("StringLike", "home/?", "home/ab", false),
        ("StringNotLike", "home/*", "home/a", false),
        ("NumericEquals", "10", "10.0", true),
        ("NumericNotEquals", "10", "11", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", "10", "11", true),
        ("NumericGreaterThanEquals", "10", "9", false),
        ("NumericLessThan", "10", "many", false),
        ("Bool", "true", "true", true),
        ("Bool", "true", "false", false),
        ("IpAddress", "203.0.113.0/24", "203.0.113.77", true),
        ("IpAddress", "203.0.113.0/24", "203.0.114.1", false),
        ("IpAddress", "203.0.113.7", "203.0.113.7", true),
        ("IpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678::1", true),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.77", false),
        ("ArnLike", "arn:aws:sns:*:*:jobs", "arn:aws:sns:eu-west-2:111122223333:jobs", true),
        ("ArnEquals", "arn:aws:sns:*:*:j*", "arn:aws:sns:eu-west-2:111122223333:jobs", true),
        // A wildcard of an ARN stays within its part.
        ("ArnLike", "arn:aws:sns:*:jobs", "arn:aws:sns:eu-west-2:111122223333:jobs", true),
        ("ArnLike", "arn:aws:*:eu-west-1:1:jobs", "arn:aws:sns:eu-west-2:1:jobs", false),
        ("ArnNotLike", "arn:aws:sns:*:*:jobs", "arn:aws:sns:eu-west-2:111122223333:other", true),
    ] {
        let condition = json!({ operator: { "aws:Key": wanted } });
        assert_eq!(
            holds(&condition, &[("aws:key", &[given])]),
            matches,
            "{operator} {wanted} {given}"
        );
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
#[test]
fn several_values_are_or_or_nor_and_several_keys_are_and() {
    let either = json!({ "StringEquals": { "k": ["a", "b"] } });
    assert!(holds(&either, &[("k", &["b"])]));
    assert!(!holds(&either, &[("k", &["c"])]));
    let neither = json!({ "StringNotEquals": { "k": ["a", "b"] } });
    assert!(!holds(&neither, &[("k", &["b"])]));
    assert!(holds(&neither, &[("k", &["c"])]));
    let both = json!({ "StringEquals": { "k": "a", "l": "b" } });
    assert!(holds(&both, &[("k", &["a"]), ("l", &["b"])]));
    assert!(!holds(&both, &[("k", &["a"]), ("l", &["c"])]));
    let operators = json!({ "StringEquals": { "k": "a" }, "Bool": { "l": "true" } });
    assert!(!holds(&operators, &[("k", &["a"]), ("l", &["false"])]));
}

/// A key that is not in the request.
#[test]
fn absent_keys() {
    for (operator, value, matches) in [
        ("StringEquals", "a", false),
        ("StringNotEquals", "a", true),
        ("StringLike", "*", false),
        ("ArnNotLike", "*", true),
        ("Bool", "false", false),
        ("IpAddress", "0.0.0.0/0", false),
        ("NotIpAddress", "0.0.0.0/0", true),
        ("NumericLessThan", "1", false),
        ("StringEqualsIfExists", "a", true),
        ("BoolIfExists", "true", true),
        ("Null", "true", true),
        ("Null", "false", false),
        ("ForAllValues:StringEquals", "a", true),
        ("ForAllValues:StringNotEquals", "a", true),
        ("ForAnyValue:StringEquals", "a", false),
        ("ForAnyValue:StringNotEquals", "a", false),
        ("ForAnyValue:StringEqualsIfExists", "a", true),
    ] {
        let condition = json!({ operator: { "k": value } });
        assert_eq!(holds(&condition, &[]), matches, "{operator} of nothing");
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[test]
fn sets_of_values() {
    let all = json!({ "ForAllValues:StringEquals": { "k": ["a", "b"] } });
    assert!(holds(&all, &[("k", &["a"])]));
    assert!(holds(&all, &[("k", &["b", "a"])]));
    assert!(!holds(&all, &[("k", &["a", "c"])]));
    // True of an empty set, which is the trap of `ForAllValues` in a permission.
    assert!(holds(&all, &[("k", &[])]));
    let any = json!({ "ForAnyValue:StringLike": { "k": ["a*"] } });
    assert!(holds(&any, &[("k", &["c", "ab"])]));
    assert!(!holds(&any, &[("k", &["c", "b"])]));
    let other = json!({ "ForAnyValue:StringNotEquals": { "k": ["a"] } });
    assert!(holds(&other, &[("k", &["a", "b"])]));
    assert!(!holds(&other, &[("k", &["a"])]));
}

/// The documented way to keep users to their items, with and without its guard.
#[test]
fn leading_keys_need_a_null_condition() {
    let own = json!({ "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "acme" } });
    let guarded = json!({
        "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": "acme" },
        "Null": { "dynamodb:LeadingKeys": "false" },
    });
    let keys = |keys: &'static [&'static str]| [("dynamodb:LeadingKeys", keys)];
    for condition in [&own, &guarded] {
        assert!(holds(condition, &keys(&["acme"])));
        assert!(!holds(condition, &keys(&["acme", "acme2"])));
        assert!(!holds(condition, &keys(&["acme2"])));
    }
    assert!(holds(&own, &[]), "a scan names no key, and all of none are acme's");
    assert!(!holds(&guarded, &[]));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn variables() {
    let own = json!({
        "Effect": "Allow", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/home/${aws:PrincipalTag/team}/*",
    });
    let get = |rest: &str| {
        Request::new("s3:GetObject", &format!("arn:aws:s3:::amzn-s3-demo-bucket/home/{rest}"))
    };
    let tag = "aws:PrincipalTag/team";
    assert!(allowed(own.clone(), &get("blue/a").with(tag, &["blue"])));
    assert!(!allowed(own.clone(), &get("red/a").with(tag, &["blue"])));
    assert!(!allowed(own.clone(), &get("blue/a")), "without a value it matches nothing");
    assert!(!allowed(own, &get("red/a").with(tag, &["*"])), "a value is no pattern");
    let default = json!({
        "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/team, 'all'}",
    });
    assert!(allowed(default, &Request::new("s3:ListBucket", "arn:aws:s3:::all")));
    let star = json!({ "Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::a${*}" });
    assert!(allowed(star.clone(), &Request::new("s3:ListBucket", "arn:aws:s3:::a*")));
    assert!(!allowed(star, &Request::new("s3:ListBucket", "arn:aws:s3:::ab")));
}

#[test]
fn what_is_not_known_may_allow_and_does_not_deny() {
    let unknown = json!(["arn:aws:s3:::amzn-s3-demo-bucket", { "Ref": "Elsewhere" }]);
    let allow = json!({ "Effect": "Allow", "Action": "s3:*", "Resource": unknown });
    let deny = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": unknown });
    let request = Request::new("s3:ListBucket", "arn:aws:s3:::other");
    assert!(decide(&policies(vec![allow.clone()]), &request).is_allowed());
    let everything = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    assert!(decide(&policies(vec![everything.clone(), deny.clone()]), &request).is_allowed());
    let known = Request::new("s3:ListBucket", "arn:aws:s3:::amzn-s3-demo-bucket");
    assert!(!decide(&policies(vec![everything, deny]), &known).is_allowed());
    let condition = json!({ "StringNotEquals": { "k": { "Ref": "Elsewhere" } } });
    assert!(holds(&condition, &[("k", &["a"])]), "nobody knows");
    let strange = json!({ "DateLessThan": { "aws:CurrentTime": "2026-01-01T00:00:00Z" } });
    assert!(holds(&strange, &[]), "it may be");
}

#[test]
fn wildcards_of_a_denial_stay_within_the_parts_of_an_arn() {
    let everything = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "arn:aws:*:jobs:1:a:b" });
    let request = Request::new("sqs:SendMessage", "arn:aws:sqs:eu-west-2:jobs:1:a:b");
    assert!(decide(&policies(vec![everything, deny]), &request).is_allowed());
}

#[test]
fn who_is_trusted() {
    let role = "arn:aws:iam::111122223333:role/acme";
    let root = "arn:aws:iam::111122223333:root";
    let assume = Request::new("sts:AssumeRole", "*");
    let trust = |principal: Value| {
        let statement =
            json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
        policy(statement).trusts(role, &assume)
    };
    assert_eq!(trust(json!({ "AWS": role })), Trust::ByName);
    assert_eq!(trust(json!("*")), Trust::ByName);
    assert_eq!(trust(json!({ "AWS": "*" })), Trust::ByName);
    assert_eq!(trust(json!({ "AWS": { "Ref": "Elsewhere" } })), Trust::ByName);
    assert_eq!(trust(json!({ "AWS": root })), Trust::ByAccount);
    assert_eq!(trust(json!({ "AWS": "111122223333" })), Trust::ByAccount);
    assert_eq!(trust(json!({ "AWS": "999999999999" })), Trust::No);
    assert_eq!(trust(json!({ "Service": "lambda.amazonaws.com" })), Trust::No);
    let denied = policies(vec![
        json!({ "Effect": "Allow", "Principal": { "AWS": root }, "Action": "sts:*" }),
        json!({ "Effect": "Deny", "Principal": { "AWS": role }, "Action": "sts:*" }),
    ]);
    assert_eq!(denied[0].trusts(role, &assume), Trust::No);
}

/// Small texts over a small alphabet, each matched by the evaluator and by a plain
/// recursive definition of what `*` and `?` mean.
#[test]
fn wildcards_mean_what_their_definition_says() {
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                matches(&pattern[1..], text) || (!text.is_empty() && matches(pattern, &text[1..]))
            }
            (Some(b'?'), Some(_)) => matches(&pattern[1..], &text[1..]),
            (Some(wanted), Some(found)) => wanted == found && matches(&pattern[1..], &text[1..]),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
    fn words(alphabet: &[u8], longest: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last
                .iter()
                .flat_map(|word| alphabet.iter().map(|c| [word.clone(), vec![*c]].concat()))
                .collect();
            all.extend(last.clone());
        }
        all
    }
    let texts = words(b"ab", 5);
    let request = Request::new("x:Do", "*");
    for pattern in words(b"ab*?", 4) {
        let text = String::from_utf8(pattern.clone()).unwrap();
        let ready = super::pattern::Pattern::new(&text, super::pattern::Wild::Card, &request);
        let ready = ready.unwrap();
        for candidate in &texts {
            let shown = String::from_utf8(candidate.clone()).unwrap();
            let found = ready.matches(&shown) == Truth::Yes;
            assert_eq!(found, matches(&pattern, candidate), "{text} {shown}");
        }
    }
}

/// Whatever else a policy says: another permission never takes away, another denial
/// never gives.
#[test]
fn statements_are_monotonic() {
    let conditions = [
        json!({}),
        json!({ "StringEquals": { "k": "a" } }),
        json!({ "ForAllValues:StringEquals": { "k": ["a", "b"] } }),
        json!({ "StringNotLike": { "k": "a*" } }),
        json!({ "Null": { "k": "true" } }),
    ];
    let mut statements = Vec::new();
    for effect in ["Allow", "Deny"] {
        for action in ["s3:*", "s3:Get*", "sqs:*"] {
            for condition in &conditions {
                statements.push(json!({
                    "Effect": effect, "Action": action, "Resource": "*", "Condition": condition,
                }));
            }
        }
    }
    let base = Request::new("s3:GetObject", "arn:aws:s3:::a/b");
    let requests =
        [base.clone(), base.clone().with("k", &["a"]), base.clone().with("k", &["ab", "c"])];
    for one in &statements {
        for other in &statements {
            for request in &requests {
                let before = decide(&policies(vec![one.clone()]), request).is_allowed();
                let after =
                    decide(&policies(vec![one.clone(), other.clone()]), request).is_allowed();
                let gives = other["Effect"] == "Allow";
                assert!(if gives { after || !before } else { before || !after }, "{one} {other}");
            }
        }
    }
}
