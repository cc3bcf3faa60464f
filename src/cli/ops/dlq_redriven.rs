//! What a redrive did, as it is reported.

use std::time::Duration;

use serde_json::{Value, json};

use super::dlq_inspect::shown;
use crate::error::exit;
use crate::ops::dlq::{Preview, Redriven, Sample};
use crate::ui::{Block, Report};

/// How messages were moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// There were none.
    Nothing,
    /// They were not: that was asked for.
    Dry,
    /// By SQS itself.
    Native,
    /// Each was copied and deleted.
    Copy,
}

/// What a redrive did.
#[derive(Debug)]
pub struct RedriveReport {
    how: How,
    queue: String,
    target: String,
    pub(super) redriven: Redriven,
    preview: Option<(Preview, bool)>,
    samples: Vec<Sample>,
    archive: Option<String>,
    run: Option<String>,
    took: Duration,
}

impl RedriveReport {
    pub(super) fn new(how: How, queue: &str, target: &str, redriven: Redriven) -> Self {
        Self {
            how,
            queue: queue.to_owned(),
            target: target.to_owned(),
            redriven,
            preview: None,
            samples: Vec::new(),
            archive: None,
            run: None,
            took: Duration::ZERO,
        }
    }

    pub(super) fn of_run(self, run: &str, took: Duration) -> Self {
        Self { run: Some(run.to_owned()), took, ..self }
    }

    pub(super) fn previewed(self, preview: Preview, samples: Vec<Sample>, more: bool) -> Self {
        Self { preview: Some((preview, more)), samples, ..self }
    }

    pub(super) fn archived_at(self, place: &str) -> Self {
        Self { archive: Some(place.to_owned()), ..self }
    }

    fn preview_lines(&self, preview: Preview, more: bool) -> Vec<String> {
        let all = if more { "; there are more than were looked at" } else { "" };
        let mut lines =
            vec![format!("dry run: {} messages would go to {}{all}", preview.moved, self.target)];
        if preview.quarantined > 0 {
            lines.push(format!("{} would go to the archive", preview.quarantined));
        }
        if preview.no_room_for_marks > 0 {
            let count = preview.no_room_for_marks;
            lines.push(format!("{count} would stay: no room for two more attributes (--unmarked)"));
        }
        lines.push(format!("{} dead letters in all, about; nothing was moved", self.redriven.left));
        lines
    }

    fn lines(&self) -> Vec<String> {
        let Redriven { moved, quarantined, kept, possible_duplicates, left, refusals, .. } =
            &self.redriven;
        let seconds = self.took.as_secs_f64();
        let mut lines =
            vec![format!("{moved} messages moved to {} in {seconds:.1} s", self.target)];
        if *quarantined > 0 {
            let place = self.archive.as_deref().unwrap_or("the archive");
            lines.push(format!("{quarantined} put aside in {place}"));
        }
        if *possible_duplicates > 0 {
            lines.push(format!(
                "{possible_duplicates} were sent again because nobody knew whether they had been: at most so many arrived twice, with the same platformctl.redrive-of"
            ));
        }
        lines.extend(kept.iter().map(|(why, count)| {
            let why = match *why {
                "not_selected" => "not meant",
                "came_back" => "dead letters again, after this run moved them",
                "no_room_for_marks" => "no room for two more attributes (--unmarked)",
                "behind_one_that_stays" => "behind one that stays, in the same message group",
                "refused" => "refused by the queue",
                other => other,
            };
            format!("{count} stay: {why}")
        }));
        lines.extend(refusals.iter().map(|refusal| format!("  {refusal}")));
        if *left > 0 {
            lines.push(format!("{left} dead letters are left, about"));
        }
        if self.how == How::Native {
            lines.push("moved by SQS itself, without marks".to_owned());
        }
        lines
    }
}

impl Report for RedriveReport {
    fn value(&self) -> Value {
        let how = match self.how {
            How::Nothing => "nothing",
            How::Dry => "dry_run",
            How::Native => "native",
            How::Copy => "copy",
        };
        let seconds = self.took.as_secs_f64();
        json!({
            "queue": self.queue,
            "target": self.target,
            "how": how,
            "moved": self.redriven.moved,
            "quarantined": self.redriven.quarantined,
            "kept": self.redriven.kept,
            "possible_duplicates": self.redriven.possible_duplicates,
            "left": self.redriven.left,
            "refusals": self.redriven.refusals,
            "archive": self.archive,
            "would": self.preview.map(|(preview, _)| preview),
            "would_be_more": self.preview.is_some_and(|(_, more)| more),
            "samples": self.samples,
            "run": self.run,
            "seconds": (seconds * 1000.0).round() / 1000.0,
        })
    }

    fn blocks(&self) -> Vec<Block> {
        let lines = match (self.how, self.preview) {
            (How::Nothing, _) => vec![format!("no dead letters in {}", self.queue)],
            (_, Some((preview, more))) => self.preview_lines(preview, more),
            _ => self.lines(),
        };
        let mut blocks: Vec<Block> = self.samples.iter().map(|it| Block::Text(shown(it))).collect();
        blocks.push(Block::Text(lines.join("\n")));
        if let Some(run) = &self.run {
            blocks.push(Block::Text(format!("run {run} · platformctl events {run}")));
        }
        blocks
    }

    fn exit_code(&self) -> u8 {
        if self.redriven.kept.contains_key("refused") { exit::FAILED } else { exit::OK }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_the_same_shape_each_time() {
        let redriven = Redriven {
            moved: 120,
            quarantined: 3,
            kept: [("came_back", 1), ("refused", 1)].into(),
            possible_duplicates: 10,
            in_doubt: 0,
            left: 2,
            hidden: 0,
            refusals: vec!["8f2c: InvalidMessageContents: no".into()],
        };
        let report = RedriveReport::new(
            How::Copy,
            "acme-dev-jobs-queue-dead-letters",
            "acme-dev-jobs",
            redriven,
        )
        .archived_at("s3://audit/quarantine/x/")
        .of_run("k3f9", Duration::from_millis(1500));
        assert_eq!(report.exit_code(), exit::FAILED);
        insta::assert_json_snapshot!(report.value());
        insta::assert_snapshot!(crate::ui::text(&report.blocks()));
        let preview = Preview { moved: 5, quarantined: 1, no_room_for_marks: 1 };
        let redriven = Redriven { left: 9, ..Redriven::default() };
        let dry = RedriveReport::new(
            How::Dry,
            "acme-dev-jobs-queue-dead-letters",
            "acme-dev-jobs",
            redriven,
        )
        .previewed(preview, Vec::new(), true);
        assert_eq!(dry.exit_code(), exit::OK);
        insta::assert_json_snapshot!(dry.value());
        insta::assert_snapshot!(crate::ui::text(&dry.blocks()));
    }
}
