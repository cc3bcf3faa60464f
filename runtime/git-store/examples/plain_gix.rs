//! `gix` as `benches/store` drives it, the plain way: see `peer.rs` for the requests.

use std::{env, error::Error, io, path::Path};

use gix::objs::{Tree, tree::EntryKind};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: plain_gix FOLDER")?;
    let mut out = io::stdout();
    let mut open = None;
    for line in io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        if open.is_none() {
            open = Some(gix::open(Path::new(&folder).join("wiki.git"))?);
        }
        let repository = open.as_ref().ok_or("not open")?;
        match words[..] {
            ["read", path] => read(repository, path)?,
            ["commit", path, text] => commit(repository, path, text)?,
            _ => return Err(format!("unknown request {line:?}").into()),
        }
        io::Write::write_all(&mut out, b"ok\n")?;
        io::Write::flush(&mut out)?;
    }
    Ok(())
}

fn read(repository: &gix::Repository, path: &str) -> Result<(), Box<dyn Error>> {
    let tree = repository.head_commit()?.tree()?;
    let entry = tree.lookup_entry_by_path(path)?.ok_or("no such page")?;
    entry.object()?;
    Ok(())
}

fn commit(repository: &gix::Repository, path: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let head = repository.head_commit()?;
    let (folder, name) = path.split_once('/').ok_or("no folder")?;
    let root = head.tree()?;
    let inner = root.lookup_entry_by_path(folder)?.ok_or("no such folder")?.object()?.into_tree();
    let blob = repository.write_blob(text)?.detach();
    let inner = put(&inner, name, EntryKind::Blob, blob)?;
    let inner = repository.write_object(&inner)?.detach();
    let root = put(&root, folder, EntryKind::Tree, inner)?;
    let root = repository.write_object(&root)?.detach();
    let time = gix::date::Time::new(1_700_000_000, 0);
    let signature = gix::actor::Signature { name: "x".into(), email: "x@y".into(), time };
    let mut buffer = gix::date::parse::TimeBuf::default();
    let signature = signature.to_ref(&mut buffer);
    repository.commit_as(signature, signature, "refs/heads/main", "Measure", root, [head.id()])?;
    Ok(())
}

fn put(
    tree: &gix::Tree<'_>,
    name: &str,
    kind: EntryKind,
    id: gix::ObjectId,
) -> Result<Tree, Box<dyn Error>> {
    let mut tree: Tree = tree.decode()?.into();
    tree.entries.retain(|entry| entry.filename != name);
    tree.entries.push(gix::objs::tree::Entry { mode: kind.into(), filename: name.into(), oid: id });
    tree.entries.sort();
    Ok(tree)
}
