//! The store as `benches/store` drives it: requests come in as lines, `ok` goes out.
//!
//! ```text
//! init | commit PATH TEXT | read PATH | maintain
//! ```

use std::{env, error::Error, io};

use git_store::Store;
use runtime_core::pages::{Author, Init, Maintain, Read, Request, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: peer FOLDER")?;
    let store = Store::new(folder);
    let mut out = io::stdout();
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let wiki = "wiki".parse()?;
        let request = match words[..] {
            ["init"] => Request::Init(Init { wiki }),
            ["maintain"] => Request::Maintain(Maintain { wiki: Some(wiki) }),
            ["read", path] => Request::Read(Read { wiki, path: path.parse()?, revision: None }),
            ["commit", path, text] => Request::Write(Write {
                wiki,
                path: path.parse()?,
                body: text.parse()?,
                author: Author::new("Measurer", "measurer@example.com")?,
                message: "Measure".parse()?,
                expected_head: None,
            }),
            _ => return Err(format!("unknown request {line:?}").into()),
        };
        store.handle(&request).into_result()?;
        io::Write::write_all(&mut out, b"ok\n")?;
        io::Write::flush(&mut out)?;
    }
    Ok(())
}
