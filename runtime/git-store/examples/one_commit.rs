//! Commits pages in one warm process, for counting system calls:
//!
//! ```sh
//! strace -f -c -o few  one_commit /tmp/a 1
//! strace -f -c -o many one_commit /tmp/b 101
//! ```
//!
//! The difference of the two counts is that of 100 commits.

use std::{env, error::Error, fs};

use git_store::Store;
use runtime_core::pages::{Author, Init, Request, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let usage = "usage: one_commit FOLDER COMMITS [PAGES]";
    let folder = arguments.next().ok_or(usage)?;
    let commits: u32 = arguments.next().ok_or(usage)?.parse()?;
    // Pages are written in turn: with more commits than pages, they get replaced.
    let pages: u32 = arguments.next().map_or(Ok(1), |pages| pages.parse())?;

    fs::create_dir_all(&folder)?;
    let store = Store::new(folder);
    let wiki = "measured".parse()?;
    store.handle(&Request::Init(Init { wiki })).into_result()?;
    for n in 0..commits {
        let request = Request::Write(Write {
            wiki: "measured".parse()?,
            path: format!("notes/page-{}.md", n % pages).parse()?,
            body: format!("version {n}\n").parse()?,
            author: Author::new("Measurer", "measurer@example.com")?,
            message: "Measure".parse()?,
            expected_head: None,
        });
        store.handle(&request).into_result()?;
    }
    Ok(())
}
