use serde_json::json;

use super::*;

const ID: &str = "1-5759e988-bd862e3fe1be46a994272793";

fn trace(documents: &[Value]) -> Option<Trace> {
    let documents: Vec<String> = documents.iter().map(Value::to_string).collect();
    Trace::of(ID, &documents)
}

/// A cold write through Lambda, in the order in which a daemon might send it.
fn write() -> Trace {
    trace(&[
        json!({"id": "c", "parent_id": "b", "type": "subsegment", "name": "write", "trace_id": ID,
        "start_time": 100.020, "end_time": 100.100,
        "annotations": {"operation": "write", "cold_start": true},
        "subsegments": [
            {"id": "e", "name": "move reference", "start_time": 100.080, "end_time": 100.0999},
            {"id": "d", "name": "write objects", "start_time": 100.0201, "end_time": 100.080,
             "fault": true},
        ]}),
        json!({"id": "b", "parent_id": "a", "name": "git-store", "origin": "AWS::Lambda::Function",
        "start_time": 100.020, "end_time": 100.100,
        "subsegments": [
            {"id": "i", "name": "Initialization", "start_time": 100.002, "end_time": 100.018},
        ]}),
        json!({"id": "a", "name": "git-store", "origin": "AWS::Lambda",
            "start_time": 100.0, "end_time": 100.105}),
        json!({"id": "x", "name": "a caller who is not there", "parent_id": "?",
            "start_time": 100.001}),
    ])
    .unwrap()
}

#[test]
fn documents_become_one_tree_in_order_of_time() {
    let trace = write();
    let order: Vec<_> = trace.parts.iter().map(|it| (it.depth, it.name.as_str())).collect();
    assert_eq!(
        order,
        [
            (0, "git-store"),
            (1, "git-store"),
            (2, "Initialization"),
            (2, "write"),
            (3, "write objects"),
            (3, "move reference"),
            (0, "a caller who is not there"),
        ]
    );
    assert!(trace.cold);
    assert_eq!(trace.duration_ms.to_bits(), 105.0_f64.to_bits());
    assert_eq!(trace.parts[4].failed, Some("fault"));
    assert_eq!(trace.parts[6].duration_ms, None);
}

#[test]
fn the_picture() {
    insta::assert_snapshot!(timeline(&write()), @"
    git-store (AWS::Lambda)             │████████████████████████████████████████████│     105 ms
      git-store (AWS::Lambda::Function) │        █████████████████████████████████▉  │    80.0 ms
        Initialization                  │███████▌                                    │    16.0 ms
        write                           │        █████████████████████████████████▉  │    80.0 ms
          write objects                 │        █████████████████████████▌          │    59.9 ms  fault
          move reference                │                                 ████████▊  │    19.9 ms
    a caller who is not there           │████████████████████████████████████████████│    goes on
    ");
}

#[test]
fn a_segment_that_was_in_progress_is_shown_once_it_has_ended() {
    let early = json!({"id": "a", "name": "f", "start_time": 1.0, "in_progress": true});
    let late = json!({"id": "a", "name": "f", "start_time": 1.0, "end_time": 2.0});
    let trace = trace(&[early, late]).unwrap();
    assert_eq!(trace.parts.len(), 1);
    assert_eq!(trace.parts[0].duration_ms, Some(1000.0));
}

#[test]
fn hostile_documents_do_no_harm() {
    assert_eq!(trace(&[json!("no document"), json!({"id": 3})]), None);
    let own_parent = json!({"id": "a", "parent_id": "a", "name": "f", "start_time": 1.0});
    assert_eq!(trace(&[own_parent]).unwrap().parts.len(), 1);
    let circle = [
        json!({"id": "a", "parent_id": "b", "name": "f", "start_time": 1.0}),
        json!({"id": "b", "parent_id": "a", "name": "g", "start_time": 0.5, "end_time": 0.1}),
    ];
    let circle = trace(&circle).unwrap();
    assert_eq!(circle.parts.len(), 2);
    assert!(timeline(&circle).contains("goes on"));
    let mut deep = json!({"id": "0", "name": "f", "start_time": 1.0, "end_time": 2.0});
    for level in 1..60 {
        deep = json!({"id": level.to_string(), "name": "f", "start_time": 1.0, "end_time": 2.0,
            "subsegments": [deep]});
    }
    let deep = trace(&[deep]).unwrap();
    assert!(deep.parts.iter().all(|it| it.depth <= DEPTH));
}
