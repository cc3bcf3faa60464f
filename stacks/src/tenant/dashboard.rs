//! What the tenant does, at a glance.

use runtime_core::names::TAG_TENANT;
use serde_json::{Value as Json, json};

use super::name;
use super::store::memory_name;
use crate::cfn::aws::cloudwatch;
use crate::cfn::{Stack, sub_with};

/// Adds the dashboard. `runtime_region` is where the tenant's memory is.
pub(super) fn dashboard(stack: &mut Stack, runtime_region: &str) {
    let ours = stack.naming().region().to_owned();
    let namespace = stack.naming().name("");
    let namespace = namespace.trim_end_matches('-');
    // Metrics are searched: what a tenant has not used yet has none.
    let own = format!("Namespace=\"{namespace}\" {TAG_TENANT}=\"${{TenantId}}\"");
    let memory =
        |metric: &str| format!("Bedrock-AgentCore MetricName=\"{metric}\" \"${{MemoryName}}\"");
    let widgets = [
        graph(0, "Requests, jobs and agents", &ours, &[(&own, "Sum")]),
        graph(1, "Operations on memory", runtime_region, &[(&memory("Invocations"), "Sum")]),
        graph(2, "Latency of memory", runtime_region, &[(&memory("Latency"), "p95")]),
        graph(3, "Failed operations on memory", runtime_region, &[(&memory("Errors"), "Sum")]),
    ];
    let body = json!({ "widgets": widgets }).to_string();
    let dashboard =
        cloudwatch::Dashboard::new(sub_with(body, [("MemoryName", memory_name(stack))]))
            .dashboard_name(name(stack));
    stack.add("Dashboard", dashboard);
}

/// A graph of all metrics that the searches find; two stand side by side.
fn graph(place: u32, title: &str, region: &str, searches: &[(&str, &str)]) -> Json {
    const WIDTH: u32 = 12;
    const HEIGHT: u32 = 6;
    const PERIOD_SECONDS: u32 = 300;
    let metrics: Vec<Json> = searches
        .iter()
        .map(|(search, statistic)| {
            let search = format!("SEARCH('{search}', '{statistic}', {PERIOD_SECONDS})");
            json!([{ "expression": search }])
        })
        .collect();
    json!({
        "type": "metric",
        "x": place % 2 * WIDTH,
        "y": place / 2 * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": { "title": title, "region": region, "view": "timeSeries", "metrics": metrics },
    })
}
