//! One peer of the comparison in `benches/peers/git`: the store, or gix as one would use it.
//!
//! `git-peers ours|gix FOLDER` reads a request a line and answers each with a line: what it
//! found, and how long the operation took, without reading the request or writing the answer.
//! The Python peers speak the same.

#![forbid(unsafe_code)]

mod ours;
mod plain_gix;

use std::{
    env,
    error::Error,
    io::{self, BufRead, Write},
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the bench asks for.
#[derive(Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
enum Request {
    /// Make a repository named `name`, empty.
    Init { name: String },
    /// Commit `body` at `path`.
    Write { name: String, path: String, body: String },
    /// The page at `path`, at head.
    Read { name: String, path: String },
    /// The newest commits, at most `limit`.
    History { name: String, limit: u32 },
    /// Do what is done from time to time.
    Maintain { name: String },
}

#[derive(Serialize)]
struct Answer {
    /// Nanoseconds that the operation took.
    took: u64,
    /// The page's text, for `read`; the commits' number, for `history`.
    found: serde_json::Value,
}

/// A library that keeps repositories in one folder.
trait Peer {
    fn init(&mut self, name: &str) -> Result<()>;
    fn write(&mut self, name: &str, path: &str, body: &str) -> Result<()>;
    fn read(&mut self, name: &str, path: &str) -> Result<String>;
    fn history(&mut self, name: &str, limit: u32) -> Result<usize>;

    fn maintain(&mut self, name: &str) -> Result<()> {
        Err(format!("{name} cannot be maintained by this library").into())
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: git-peers ours|gix FOLDER";
    let peer = arguments.next().ok_or(usage)?;
    let folder = PathBuf::from(arguments.next().ok_or(usage)?);
    let mut peer: Box<dyn Peer> = match peer.as_str() {
        "ours" => Box::new(ours::Ours::new(folder)),
        "gix" => Box::new(plain_gix::PlainGix::new(folder)),
        _ => return Err(usage.into()),
    };
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        let started = Instant::now();
        let found = match request {
            Request::Init { name } => peer.init(&name).map(|()| serde_json::Value::Null),
            Request::Write { name, path, body } => {
                peer.write(&name, &path, &body).map(|()| serde_json::Value::Null)
            }
            Request::Read { name, path } => peer.read(&name, &path).map(Into::into),
            Request::History { name, limit } => peer.history(&name, limit).map(Into::into),
            Request::Maintain { name } => peer.maintain(&name).map(|()| serde_json::Value::Null),
        }?;
        let took = u64::try_from(started.elapsed().as_nanos())?;
        let mut output = io::stdout().lock();
        serde_json::to_writer(&mut output, &Answer { took, found })?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
    Ok(())
}
