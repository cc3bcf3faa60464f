//! A run as a page: one file that asks nothing of the network and runs nothing.

use super::{Story, Told, clock, facts};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--good:#1a7f37;--bad:#c62828;--busy:#9a6700}\
@media(prefers-color-scheme:dark){:root{--good:#4ac26b;--bad:#ff7b72;--busy:#d4a72c}}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem}h2{margin-top:2.5rem;font-size:1.2rem}h3{margin:1.5rem 0 .25rem;font-size:1rem}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
code,pre{font:13px/1.45 ui-monospace,monospace}\
pre{padding:.75rem;border:1px solid var(--line);border-radius:6px;overflow:auto;max-height:24rem}\
.done{color:var(--good)}.failed,.interrupted{color:var(--bad)}.waiting,.open{color:var(--busy)}\
blockquote{margin:.5rem 0;padding-left:.75rem;border-left:3px solid var(--line);white-space:pre-wrap}";

/// The page.
pub fn html(story: &Story) -> String {
    let runbook = &story.runbook;
    let title = escaped(&format!("Runbook {}: {}", runbook.id, runbook.title));
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<table>\n"
    );
    for (name, value) in facts(story) {
        text.push_str(&format!("<tr><th>{name}</th><td>{}</td></tr>\n", escaped(&value)));
    }
    text.push_str("</table>\n<h2>Steps</h2>\n<table>\n<tr><th>Step</th><th>What</th><th>Outcome</th><th>Seconds</th></tr>\n");
    for step in &story.steps {
        let seconds = step.seconds.map(|it| format!("{it:.1}")).unwrap_or_default();
        let what = if step.title.is_empty() { &step.kind } else { &step.title };
        text.push_str(&format!(
            "<tr><td><code>{}</code></td><td>{}</td><td class=\"{}\">{}</td><td class=\"n\">{seconds}</td></tr>\n",
            escaped(&step.step),
            escaped(what),
            escaped(&step.outcome),
            escaped(&step.outcome)
        ));
    }
    text.push_str("</table>\n<h2>Evidence</h2>\n");
    for step in &story.steps {
        text.push_str(&evidence(step));
    }
    text.push_str("<h2>Timeline</h2>\n<table>\n<tr><th>When (UTC)</th><th>What</th></tr>\n");
    for (at, line) in &story.timeline {
        let (at, line) = (escaped(&clock(at)), escaped(line));
        text.push_str(&format!("<tr><td>{at}</td><td>{line}</td></tr>\n"));
    }
    text.push_str("</table>\n</body>\n</html>\n");
    text
}

fn evidence(step: &Told) -> String {
    let mut text = String::new();
    for work in &step.work {
        text.push_str(&format!("<p><code>{}</code></p>\n", escaped(work)));
    }
    for run in &step.runs {
        let run = escaped(run);
        text.push_str(&format!("<p>Run {run}: <code>platformctl events {run}</code></p>\n"));
    }
    if let Some(asked) = step.asked.as_deref().filter(|asked| !asked.trim().is_empty()) {
        text.push_str(&format!("<blockquote>{}</blockquote>\n", escaped(asked.trim())));
    }
    if let Some(reply) = &step.reply {
        let said = reply.evidence.as_deref().map(|it| format!(": {}", escaped(it)));
        let (by, at) = (escaped(&reply.by), escaped(&clock(&reply.at)));
        text.push_str(&format!("<p>Granted by {by} at {at}{}</p>\n", said.unwrap_or_default()));
    } else if !step.output.is_null() && step.output.as_object().is_none_or(|it| !it.is_empty()) {
        let output = serde_json::to_string_pretty(&step.output).unwrap_or_default();
        text.push_str(&format!("<pre>{}</pre>\n", escaped(&output)));
    }
    if let Some(error) = &step.error {
        text.push_str(&format!("<p class=\"failed\">{}</p>\n", escaped(error)));
    }
    if text.is_empty() {
        return text;
    }
    format!("<h3><code>{}</code></h3>\n{text}", escaped(&step.step))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_said_is_markup() {
        assert_eq!(escaped("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
