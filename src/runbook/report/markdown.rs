//! A run as Markdown: for a ticket, a wiki or a merge request.

use super::{Story, clock, facts};

/// The report.
pub fn markdown(story: &Story) -> String {
    let runbook = &story.runbook;
    let mut text = format!("# Runbook {}: {}\n\n", plain(&runbook.id), plain(&runbook.title));
    text.push_str("| | |\n|---|---|\n");
    for (name, value) in facts(story) {
        text.push_str(&format!("| {name} | {} |\n", plain(&value)));
    }
    text.push_str("\n## Steps\n\n| Step | What | Outcome | Seconds |\n|---|---|---|---:|\n");
    for step in &story.steps {
        let seconds = step.seconds.map(|it| format!("{it:.1}")).unwrap_or_default();
        let what = if step.title.is_empty() { &step.kind } else { &step.title };
        let (id, what) = (plain(&step.step), plain(what));
        text.push_str(&format!("| {id} | {what} | {} | {seconds} |\n", step.outcome));
    }
    text.push_str("\n## Evidence\n");
    for step in &story.steps {
        let nothing = step.work.is_empty() && step.reply.is_none() && step.error.is_none();
        if nothing && step.output.is_null() {
            continue;
        }
        text.push_str(&format!("\n### {}\n\n", plain(&step.step)));
        for work in &step.work {
            text.push_str(&format!("- {}\n", code(work)));
        }
        for run in &step.runs {
            text.push_str(&format!("- run {}: `platformctl events {}`\n", plain(run), plain(run)));
        }
        if let Some(asked) = &step.asked {
            text.push_str(&format!("- asked: {}\n", plain(asked)));
        }
        if let Some(reply) = &step.reply {
            let evidence = reply.evidence.as_deref().map(|it| format!(": {}", plain(it)));
            let (by, at) = (plain(&reply.by), clock(&reply.at));
            text.push_str(&format!("- granted by {by} at {at}{}\n", evidence.unwrap_or_default()));
        } else if step.output.as_object().is_none_or(|it| !it.is_empty()) && !step.output.is_null()
        {
            let output = serde_json::to_string_pretty(&step.output).unwrap_or_default();
            let fence = fence(&output);
            text.push_str(&format!("\n{fence}json\n{output}\n{fence}\n"));
        }
        if let Some(error) = &step.error {
            text.push_str(&format!("- failed: {}\n", plain(error)));
        }
    }
    text.push_str("\n## Timeline\n\n| When (UTC) | What |\n|---|---|\n");
    for (at, line) in &story.timeline {
        text.push_str(&format!("| {} | {} |\n", clock(at), plain(line)));
    }
    text
}

/// Text in which nothing means anything to Markdown or HTML.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Code in a line; longer marks than any in it.
fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let marks = "`".repeat(longest(&text) + 1);
    let room = if marks.len() > 1 { " " } else { "" };
    format!("{marks}{room}{text}{room}{marks}")
}

fn fence(text: &str) -> String {
    "`".repeat(longest(text).max(2) + 1)
}

/// The longest run of backticks.
fn longest(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_said_means_anything_to_markdown() {
        assert_eq!(plain("a|b\n<b>`x`_"), "a\\|b &lt;b&gt;\\`x\\`\\_");
        assert_eq!(code("a `b` c"), "`` a `b` c ``");
        assert_eq!(fence("x ``` y"), "````");
    }
}
