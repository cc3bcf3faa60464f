//! The steps that use what was deployed: the first pages, and the smoke test.

use runtime_core::pages::{self, Author, Reply, Request, Response};
use serde_json::{Value, json};

use super::actions::Platform;
use super::steps::StepResult;
use crate::deploy::Engine;
use crate::error::{Context as _, Error, Result};

/// The wiki that the first pages are written to.
const WIKI: &str = "platform";

impl Platform<'_> {
    pub(super) async fn seed(&mut self) -> Result<StepResult> {
        let wiki: pages::WikiName = parse(WIKI)?;
        let made = match self.ask(&Request::Init(pages::Init { wiki })).await? {
            Response::Init(answer) => answer.created,
            other => return Err(unexpected(&other)),
        };
        let body = format!(
            "# {} {}\n\nThe first page of this platform. Every change of a page is a git commit.\n",
            self.settings.config.project, self.settings.config.environment
        );
        let written = self.write_page("home.md", &body, "Seed the first page").await?;
        let summary = format!("wiki {WIKI}, page home.md");
        let detail =
            json!({ "wiki_created": made, "commit": written.commit, "changed": written.changed });
        let result = if made || written.changed {
            StepResult::changed(summary)
        } else {
            StepResult::unchanged(summary)
        };
        Ok(result.with(detail))
    }

    /// Writes a page, reads it back, and finds it in the history. The text is the
    /// same every time, so that a second run commits nothing.
    pub(super) async fn smoke_test(&mut self) -> Result<StepResult> {
        let path = "smoke-test.md";
        let body = format!(
            "# Smoke test\n\nWritten through {} by the bootstrap of {}.\n",
            self.function(),
            self.settings.config.environment
        );
        let written = self.write_page(path, &body, "Smoke test").await?;
        let page = self.read_page(path).await?;
        if page.body != body {
            return Err(Error::failed(format!("page {path} was read back with another text")));
        }
        let request = pages::History {
            wiki: parse(WIKI)?,
            path: Some(parse(path)?),
            from: None,
            limit: None,
        };
        let history = match self.ask(&Request::History(request)).await? {
            Response::History(history) => history.commits,
            other => return Err(unexpected(&other)),
        };
        let Some(newest) = history.first() else {
            return Err(Error::failed(format!("page {path} has no history")));
        };
        if written.changed && newest.commit != written.commit {
            return Err(Error::failed(format!(
                "the history of {path} does not begin with the commit that wrote it"
            )));
        }
        let id = newest.commit.to_string();
        let summary = format!("write, read, history: commit {}", &id[..7.min(id.len())]);
        let detail = json!({
            "commit": id,
            "changed": written.changed,
            "commits": history.len(),
            "write_microseconds": written.timings.total,
            "read_microseconds": page.timings.total,
        });
        let result = if written.changed {
            StepResult::changed(summary)
        } else {
            StepResult::unchanged(summary)
        };
        Ok(result.with(detail))
    }

    fn function(&self) -> String {
        self.settings.physical_name(runtime_core::names::GIT_STORE)
    }

    async fn ask(&self, request: &Request) -> Result<Response> {
        let payload = serde_json::to_value(request).context("cannot serialize a request")?;
        let function = self.function();
        let Engine { aws, events, cancel, .. } = &self.engine;
        let answer = aws.home().invoke_when_ready(&function, &payload, events, cancel).await?;
        let reply: Reply = serde_json::from_value(answer.payload)
            .with_context(|| format!("{function} answered something else"))?;
        reply.into_result().map_err(|error| {
            Error::failed(format!("{function} refused {}", request.operation())).caused_by(error)
        })
    }

    async fn write_page(&self, path: &str, body: &str, message: &str) -> Result<pages::Written> {
        let invalid = |error: pages::InvalidValue| {
            Error::failed("a page of ours is invalid").caused_by(error)
        };
        let request = pages::Write {
            wiki: parse(WIKI)?,
            path: parse(path)?,
            body: parse(body)?,
            author: Author::new("platformctl", "platformctl@localhost").map_err(invalid)?,
            message: parse(message)?,
            expected_head: None,
        };
        match self.ask(&Request::Write(request)).await? {
            Response::Write(written) => Ok(written),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) async fn read_page(&self, path: &str) -> Result<pages::Page> {
        let request = pages::Read { wiki: parse(WIKI)?, path: parse(path)?, revision: None };
        match self.ask(&Request::Read(request)).await? {
            Response::Read(page) => Ok(page),
            other => Err(unexpected(&other)),
        }
    }
}

fn parse<T: std::str::FromStr<Err = pages::InvalidValue>>(text: &str) -> Result<T> {
    text.parse().map_err(|error| Error::failed("a name of ours is invalid").caused_by(error))
}

fn unexpected(response: &Response) -> Error {
    let text: Value = serde_json::to_value(response).unwrap_or_default();
    Error::failed("git-store answered another operation").caused_by(text.to_string())
}
