//! Templates that are too long for a request.

use std::fmt::Write as _;

use crate::platform::{Platform, block_on};

/// Longest template that goes in the request itself.
const LIMIT: usize = 51_200;

#[test]
fn a_long_template_goes_through_the_bucket() {
    let platform = Platform::new();
    let mut tags = String::from("owner: platform-team");
    for number in 0..40 {
        write!(tags, "\n  a-tag-with-the-number-{number}: and-its-value-{number}").unwrap();
    }
    platform.edit("owner: platform-team", &tags);
    platform.edit("zones: 1", "zones: 3");
    platform.edit("nat: single", "nat: per-zone\n  interface_endpoints: [ssm, secretsmanager]");
    let templates = platform.templates();
    let length = |name: &str| templates[name].to_string().len();
    assert!(length("network") > LIMIT && length("artefacts") < LIMIT);

    platform.local(&["bootstrap"]).exits(0).prints("created");
    platform.is_complete();
    let aws = platform.aws();
    let bucket = "acme-dev-artefacts-000000000000-eu-west-2";
    let objects = aws.s3.list_objects_v2().bucket(bucket).prefix("templates/network/").send();
    assert_eq!(block_on(objects).unwrap().key_count(), Some(1));
    platform.local(&["diff", "--detailed-exitcode"]).exits(0);
    platform.local(&["bootstrap"]).exits(0).prints("Nothing to change");
    platform.edit("zones: 3", "zones: 2");
    platform.local(&["diff", "--detailed-exitcode"]).exits(3);
}
