//! Every way to fail has its alarm, and every alarm tells somebody.

use runtime_core::functions::Function;
use serde_json::Value as Json;
use stacks::Template;
use stacks::construct::watch::Watch;
use stacks::identity::identity;
use stacks::observability::observability;
use stacks::spec::StackSpec;

fn made(spec: &StackSpec) -> Template {
    let function = |function: Function, timeout_seconds| Watch::Function {
        function,
        name: format!("acme-dev-{}", function.name()),
        timeout_seconds,
        reserved_concurrency: 10,
    };
    let watched = [
        function(Function::Authoriser, 10),
        function(Function::Bridge, 60),
        Watch::DeadLetters { queue: "acme-dev-jobs-dead-letters".into(), of: "jobs".into() },
        Watch::Queue { queue: "acme-dev-jobs".into(), of: "jobs".into() },
        Watch::Table { name: "acme-dev-sessions".into() },
        Watch::Api { name: "acme-dev-api".into(), stage: "live".into() },
    ];
    let naming = spec.naming();
    let keys = identity(&naming, &spec.identity).keys;
    let stack = observability(&naming, &spec.observability, &keys, &watched, &["platform"]).stack;
    stack.finish().template
}

fn dev() -> Template {
    made(&StackSpec::new("acme", "dev", "eu-west-2"))
}

fn alarm<'a>(template: &'a Template, id: &str) -> &'a Json {
    template.resource(id).unwrap_or_else(|| panic!("no {id}")).properties()
}

#[test]
fn the_ten_failures_have_alarms() {
    let template = dev();
    let threshold = |id: &str| alarm(&template, id)["Threshold"].as_f64().unwrap();
    let nothing = |id: &str| assert!(threshold(id) < 1.0, "{id}");

    nothing("RuntimeUnavailable");
    nothing("AuthoriserErrors");
    // Not Lambda's count, in which every answer of 401 is an error.
    assert_eq!(alarm(&template, "AuthoriserErrors")["MetricName"], "DecisionsUnavailable");
    assert!((threshold("BridgeErrorRate") - 5.0).abs() < f64::EPSILON);
    nothing("JobsDeadLetters");
    nothing("DataSessionsThrottled");
    // 70 % of 500 sessions.
    assert!((threshold("RuntimeSessions") - 350.0).abs() < 1e-6);
    nothing("TenantsAccessViolation");
    nothing("WebhooksExhausted");
    // 80 % of 60 s and of 29 s, in ms.
    assert!((threshold("BridgeDuration") - 48_000.0).abs() < 1e-6);
    assert_eq!(alarm(&template, "BridgeDuration")["ExtendedStatistic"], "p99");
    assert!((threshold("ApiLatency") - 23_200.0).abs() < 1e-6);

    let budget = alarm(&template, "Budget");
    let exceeded = budget["NotificationsWithSubscribers"]
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["Notification"]["Threshold"] == 100)
        .unwrap();
    assert_eq!(exceeded["Subscribers"][0]["SubscriptionType"], "SNS");
    assert_eq!(exceeded["Subscribers"][0]["Address"]["Ref"], "PagesTopic");
}

#[test]
fn every_alarm_is_in_the_composite_of_its_service_and_both_tell_somebody() {
    let template = dev();
    let of_type = |kind: &'static str| {
        template.resources().filter(move |it| it.type_name == kind).map(|it| it.properties())
    };
    let rules: Vec<&str> = of_type("AWS::CloudWatch::CompositeAlarm")
        .map(|it| {
            assert_eq!(it["AlarmActions"][0]["Ref"], "PagesTopic");
            it["AlarmRule"].as_str().unwrap()
        })
        .collect();
    for alarm in of_type("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["AlarmActions"][0]["Ref"], "NoticesTopic");
        let part = format!("ALARM({})", alarm["AlarmName"]);
        assert_eq!(rules.iter().filter(|rule| rule.contains(&part)).count(), 1, "{part}");
    }
}

#[test]
fn the_dashboard_is_json_and_shows_every_alarm() {
    let template = dev();
    let body = &alarm(&template, "Operations")["DashboardBody"]["Fn::Sub"];
    let body: Json = serde_json::from_str(body.as_str().unwrap()).unwrap();
    let shown = body["widgets"][0]["properties"]["alarms"].as_array().unwrap().len();
    let alarms = template.resources().filter(|it| it.type_name == "AWS::CloudWatch::Alarm").count();
    assert_eq!(shown, alarms);
}

#[test]
fn those_who_hear_are_subscribed_by_the_right_protocol() {
    let mut spec = StackSpec::new("acme", "dev", "eu-west-2");
    spec.observability.pages = vec!["https://events.acme.example/key".into()];
    spec.observability.notices = vec!["ops@acme.example".into()];
    let template = made(&spec);
    assert_eq!(alarm(&template, "PagesSubscriber1")["Protocol"], "https");
    assert_eq!(alarm(&template, "NoticesSubscriber1")["Protocol"], "email");
}

#[test]
fn names_of_traces_fit_the_longest_environment() {
    let template = made(&StackSpec::new("longest-project", "preproduc", "eu-west-2"));
    let names = ["FailedTraces", "SlowTraces"].map(|id| alarm(&template, id)["GroupName"].clone());
    let rule = alarm(&template, "Sampling")["SamplingRule"]["RuleName"].clone();
    for name in names.iter().chain([&rule]) {
        assert!(name.as_str().unwrap().len() <= 32, "{name}");
    }
}
