//! What is sent in place of a dead letter: the same, with two marks.

use std::collections::BTreeMap;

use runtime_core::queues::{REDRIVE_COUNT, REDRIVE_OF};

use super::letter::{Attribute, Letter, size};

/// Message attributes that a message can have.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html>
pub const MOST_ATTRIBUTES: usize = 10;

/// Entries of a batch request.
pub const BATCH: usize = 10;

/// Bytes of a batch, at most. SQS takes 1 MiB since August 2025, and took 256 KiB before;
/// a message that is larger goes alone.
const BATCH_BYTES: usize = 256 * 1024;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The id of the dead letter it is a copy of.
    pub id: String,
    /// The body.
    pub body: String,
    /// The sender's attributes and the marks.
    pub attributes: BTreeMap<String, Attribute>,
    /// `AWSTraceHeader`, which X-Ray follows.
    pub trace: Option<String>,
    /// Group and deduplication id, for an ordered queue; the group alone for one that is
    /// not, which takes it as a hint for fairness.
    pub group: Option<String>,
    /// By it an ordered queue knows a second copy within five minutes.
    pub deduplication: Option<String>,
}

/// The copy of `letter` that `run` sends; none when there is no room for the marks among
/// its attributes, and it must not go without.
pub fn copy(letter: &Letter, run: &str, ordered: bool, unmarked: bool) -> Option<Outgoing> {
    let mut attributes = letter.attributes.clone();
    attributes.insert(REDRIVE_COUNT.to_owned(), Attribute::number(letter.redrive_count() + 1));
    let of = format!("{run}/{}", letter.id);
    attributes.insert(REDRIVE_OF.to_owned(), Attribute::text(of));
    if attributes.len() > MOST_ATTRIBUTES {
        if !unmarked {
            return None;
        }
        attributes.clone_from(&letter.attributes);
    }
    Some(Outgoing {
        id: letter.id.clone(),
        body: letter.body.clone(),
        attributes,
        trace: letter.system.get("AWSTraceHeader").cloned(),
        // A message without a group goes in one of its own: it was in order with none.
        group: letter.group().map(str::to_owned).or_else(|| ordered.then(|| letter.id.clone())),
        // By the message's id alone: another run that finds the same dead letter sends
        // the same.
        deduplication: ordered.then(|| format!("redrive-{}", letter.id)),
    })
}

/// The requests that send `messages`, in order. Of a group, an ordered queue gets one
/// message a request: were an earlier one of the same request refused and a later one
/// taken, their order would be lost.
pub fn requests(messages: Vec<Outgoing>, ordered: bool) -> Vec<Vec<Outgoing>> {
    let mut requests: Vec<Vec<Outgoing>> = Vec::new();
    for message in messages {
        let fits = |request: &Vec<Outgoing>| {
            let bytes: usize = request.iter().map(|it| size(&it.body, &it.attributes)).sum();
            request.len() < BATCH && bytes + size(&message.body, &message.attributes) <= BATCH_BYTES
        };
        // After the last request with the same group.
        let after = if ordered {
            let last =
                requests.iter().rposition(|it| it.iter().any(|it| it.group == message.group));
            last.map_or(0, |last| last + 1)
        } else {
            0
        };
        match requests.iter().skip(after).position(fits) {
            Some(index) => requests[after + index].push(message),
            None => requests.push(vec![message]),
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    fn with_attributes(count: usize) -> Letter {
        let mut letter = letter("1", "body");
        for number in 0..count {
            letter.attributes.insert(format!("own-{number}"), Attribute::number(number as u64));
        }
        letter
    }

    #[test]
    fn a_copy_is_the_same_with_two_marks() {
        let mut letter = with_attributes(2);
        letter.system.insert("AWSTraceHeader".into(), "Root=1-2-3".into());
        let copy = copy(&letter, "2026-11-20-k3f9", false, false).expect("room");
        assert_eq!((copy.body.as_str(), copy.trace.as_deref()), ("body", Some("Root=1-2-3")));
        assert_eq!((&copy.group, &copy.deduplication), (&None, &None));
        for (name, value) in &letter.attributes {
            assert_eq!(copy.attributes.get(name), Some(value));
        }
        assert_eq!(copy.attributes[REDRIVE_COUNT], Attribute::number(1));
        assert_eq!(copy.attributes[REDRIVE_OF], Attribute::text("2026-11-20-k3f9/1"));
    }

    #[test]
    fn the_count_goes_up_and_the_marks_take_no_more_room() {
        let mut letter = with_attributes(8);
        letter.attributes.insert(REDRIVE_COUNT.into(), Attribute::number(4));
        letter.attributes.insert(REDRIVE_OF.into(), Attribute::text("2026-11-19-aaaa/0"));
        let copy = copy(&letter, "2026-11-20-k3f9", false, false).expect("room");
        assert_eq!(copy.attributes.len(), MOST_ATTRIBUTES);
        assert_eq!(copy.attributes[REDRIVE_COUNT], Attribute::number(5));
        assert_eq!(copy.attributes[REDRIVE_OF], Attribute::text("2026-11-20-k3f9/1"));
    }

    #[test]
    fn without_room_it_stays_unless_it_may_go_unmarked() {
        for count in [9, 10] {
            let letter = with_attributes(count);
            assert_eq!(copy(&letter, "run", false, false), None, "{count}");
            let copy = copy(&letter, "run", false, true).expect("unmarked");
            assert_eq!(copy.attributes, letter.attributes);
        }
        assert!(copy(&with_attributes(8), "run", false, false).is_some());
    }

    #[test]
    fn an_ordered_queue_knows_a_second_copy_of_any_run() {
        let mut letter = letter("1", "body");
        letter.system.insert("MessageGroupId".into(), "acme".into());
        let first = copy(&letter, "run-1", true, false).expect("room");
        let second = copy(&letter, "run-2", true, false).expect("room");
        assert_eq!(first.deduplication.as_deref(), Some("redrive-1"));
        assert_eq!(first.deduplication, second.deduplication);
        assert_eq!(first.group.as_deref(), Some("acme"));
    }

    fn outgoing(id: &str, group: Option<&str>, bytes: usize) -> Outgoing {
        Outgoing {
            id: id.into(),
            body: "x".repeat(bytes),
            attributes: BTreeMap::new(),
            trace: None,
            group: group.map(str::to_owned),
            deduplication: None,
        }
    }

    fn ids(requests: &[Vec<Outgoing>]) -> Vec<Vec<&str>> {
        requests.iter().map(|it| it.iter().map(|it| it.id.as_str()).collect()).collect()
    }

    #[test]
    fn a_request_has_ten_messages_and_a_limited_size() {
        let many: Vec<_> = (0..23).map(|id| outgoing(&id.to_string(), None, 10)).collect();
        let sizes: Vec<usize> = requests(many, false).iter().map(Vec::len).collect();
        assert_eq!(sizes, [10, 10, 3]);
        let large = ["a", "b", "c"].map(|id| outgoing(id, None, 100 * 1024));
        assert_eq!(ids(&requests(large.into(), false)), [vec!["a", "b"], vec!["c"]]);
        let larger = ["a", "b"].map(|id| outgoing(id, None, 300 * 1024));
        assert_eq!(ids(&requests(larger.into(), false)), [["a"], ["b"]]);
    }

    #[test]
    fn a_group_has_one_message_a_request_in_order() {
        let messages = [("1", "x"), ("2", "x"), ("3", "y"), ("4", "x"), ("5", "y")];
        let messages = messages.map(|(id, group)| outgoing(id, Some(group), 1));
        let requests = requests(messages.into(), true);
        assert_eq!(ids(&requests), [vec!["1", "3"], vec!["2", "5"], vec!["4"]]);
    }
}
