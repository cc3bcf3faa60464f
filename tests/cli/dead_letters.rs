//! What the verbs about dead letters refuse before they ask anybody.

use super::env::TestEnv;

#[test]
fn what_cannot_be_meant_is_refused_without_a_network() {
    let env = TestEnv::new();
    for (arguments, said) in [
        (&["dlq-inspect", "job-queue-dead-leters"][..], "did you mean jobs-queue-dead-letters?"),
        (&["dlq-redrive", "zzz"], "git-store-dead-letters"),
        (&["dlq-inspect", "arn:aws:sns:eu-west-2:111122223333:x"], "is no ARN of a queue"),
        (&["dlq-inspect", "https://example.com/x"], "is no URL of a queue"),
        (&["dlq-redrive", "jobs", "--filter", "body.["], "--filter `body.[` cannot be used"),
        (&["dlq-redrive", "jobs", "--rate", "20/h"], "such as 20/s or 600/m"),
        (&["dlq-redrive", "jobs", "--visibility", "13h"], "hidden for 1s to 12h"),
        (&["dlq-inspect", "jobs", "--group-by", "body"], "error, function, tenant, age"),
        (&["dlq-purge", "jobs"], "--reason"),
        (&["dlq-purge", "jobs", "--reason", "test", "--yes"], "--confirm-name"),
    ] {
        let outcome = env.run(&[&["ops"], arguments].concat());
        assert_eq!(outcome.code, 2, "{}", outcome.text);
        assert!(outcome.stderr.contains(said), "{}", outcome.text);
    }
    let work = env.run(&["ops", "dlq-purge", "acme-dev-jobs", "--dry-run"]);
    assert_eq!(work.code, 2, "{}", work.text);
}
