//! A wiki in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use git_store::{Observer, Options, Step, Store};
use runtime_core::pages::{
    Author, CommitId, ErrorCode, ExpectedHead, History, HistoryPage, Init, List, ListPage,
    Maintain, Maintained, Page, PageError, Read, Request, Response, Write, Written,
};
use tempfile::TempDir;

pub(crate) const WIKI: &str = "team";

/// A store with one wiki. When the test is over, git checks the repository.
pub(crate) struct Wiki {
    pub(crate) store: Store,
    folder: TempDir,
}

impl Wiki {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        init(&store);
        Self { store, folder }
    }

    /// A wiki as the store left it before it wrote packs: loose objects, and a claim
    /// for each commit in a folder of its own. It has the pages `old/0`, `old/1`, ….
    pub(crate) fn older(commits: usize) -> Self {
        let mut wiki = Self::new();
        let platform = wiki.repository().join("platform");
        fs::rename(platform.join("claims"), platform.join("successors")).unwrap();
        let mut parent: Option<String> = None;
        for n in 0..commits {
            wiki.import_older(&mut parent, &format!("old/{n}"));
        }
        if let Some(head) = parent {
            fs::write(wiki.repository().join("refs/heads/main"), format!("{head}\n")).unwrap();
        }
        // One that has not seen the wiki otherwise.
        wiki.store = wiki.another_store();
        wiki
    }

    fn import_older(&self, parent: &mut Option<String>, path: &str) {
        let file = self.root().join("page");
        fs::write(&file, path).unwrap();
        let index = self.root().join("index");
        let git = |arguments: &[&str]| {
            let mut command = git_command(&self.repository());
            for role in ["AUTHOR", "COMMITTER"] {
                command.env(format!("GIT_{role}_NAME"), "x").env(format!("GIT_{role}_EMAIL"), "x");
            }
            let output = command.env("GIT_INDEX_FILE", &index).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let blob = git(&["hash-object", "-w", file.to_str().unwrap()]);
        git(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{path}")]);
        let tree = git(&["write-tree"]);
        let mut commit = vec!["commit-tree", "-m", path, &tree];
        if let Some(parent) = &*parent {
            commit.extend(["-p", parent]);
        }
        let commit = git(&commit);
        let claim = match &*parent {
            None => "root".to_owned(),
            Some(parent) => format!("{}/{parent}", &parent[..2]),
        };
        let claim = self.repository().join("platform/successors").join(claim);
        fs::create_dir_all(claim.parent().unwrap()).unwrap();
        fs::write(claim, format!("{commit}\n")).unwrap();
        *parent = Some(commit);
    }

    /// The folder that holds the repositories.
    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.root().join(format!("{WIKI}.git"))
    }

    /// Another store on the same folder, as another process would have it.
    pub(crate) fn another_store(&self) -> Store {
        Store::new(self.root())
    }

    /// Another store whose steps call `observer` and whose writes give up after
    /// `write_budget`.
    pub(crate) fn observed_store(
        &self,
        write_budget: Duration,
        observer: impl Fn(Step) + Send + Sync + 'static,
    ) -> Store {
        let mut options = Options::default();
        options.write_budget = write_budget;
        options.observer = Arc::new(Watch(observer));
        Store::with_options(self.root(), options)
    }

    pub(crate) fn write(&self, path: &str, body: &str) -> Written {
        write(&self.store, path, body).unwrap()
    }

    pub(crate) fn read(&self, path: &str) -> Page {
        read(&self.store, path).unwrap()
    }

    /// Runs git on the repository; answers its standard output.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.repository(), arguments)
    }

    /// The number of commits that git sees on the branch.
    pub(crate) fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "refs/heads/main"]).parse().unwrap()
    }

    /// Asserts that git finds no fault, and that the history is a line.
    pub(crate) fn check(&self) {
        let found = self.git(&["fsck", "--strict", "--no-dangling", "--no-progress"]);
        // An empty repository gets a notice about its unborn branch.
        assert!(
            found.lines().all(|line| line.starts_with("notice:")),
            "git fsck is not content: {found}"
        );
        let merges = self.git(&["rev-list", "--all", "--min-parents=2", "--count"]);
        assert_eq!(merges, "0", "the history is not a line");
    }
}

impl Drop for Wiki {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.check();
        }
    }
}

struct Watch<F>(F);

impl<F: Fn(Step) + Send + Sync> Observer for Watch<F> {
    fn reached(&self, step: Step) {
        self.0(step);
    }
}

/// Runs git on `repository`, whatever the user's configuration says.
pub(crate) fn git(repository: &Path, arguments: &[&str]) -> String {
    let output = git_command(repository).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?} failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

pub(crate) fn git_command(repository: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("--git-dir")
        .arg(repository)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}

pub(crate) fn init(store: &Store) -> bool {
    match store.handle(&Request::Init(Init { wiki: WIKI.parse().unwrap() })).into_result() {
        Ok(Response::Init(initialised)) => initialised.created,
        other => panic!("unexpected answer {other:?}"),
    }
}

pub(crate) fn write_request(path: &str, body: &str) -> Write {
    Write {
        wiki: WIKI.parse().unwrap(),
        path: path.parse().unwrap(),
        body: body.parse().unwrap(),
        author: Author::new("Ada", "ada@example.com").unwrap(),
        message: format!("Write {path}").parse().unwrap(),
        expected_head: None,
    }
}

pub(crate) fn send(store: &Store, request: Write) -> Result<Written, PageError> {
    match store.handle(&Request::Write(request)).into_result() {
        Ok(Response::Write(written)) => Ok(written),
        Ok(other) => panic!("unexpected answer {other:?}"),
        Err(error) => Err(error),
    }
}

pub(crate) fn write(store: &Store, path: &str, body: &str) -> Result<Written, PageError> {
    send(store, write_request(path, body))
}

pub(crate) fn write_expecting(
    store: &Store,
    path: &str,
    body: &str,
    head: Option<&CommitId>,
) -> Result<Written, PageError> {
    let expected = head.map_or(ExpectedHead::Empty, |id| ExpectedHead::Commit(id.clone()));
    send(store, Write { expected_head: Some(expected), ..write_request(path, body) })
}

pub(crate) fn read(store: &Store, path: &str) -> Result<Page, PageError> {
    read_at(store, path, None)
}

pub(crate) fn read_at(
    store: &Store,
    path: &str,
    revision: Option<&str>,
) -> Result<Page, PageError> {
    let request = Read {
        wiki: WIKI.parse().unwrap(),
        path: path.parse().unwrap(),
        revision: revision.map(|revision| revision.parse().unwrap()),
    };
    match store.handle(&Request::Read(request)).into_result() {
        Ok(Response::Read(page)) => Ok(page),
        Ok(other) => panic!("unexpected answer {other:?}"),
        Err(error) => Err(error),
    }
}

pub(crate) fn history_request() -> History {
    History { wiki: WIKI.parse().unwrap(), path: None, from: None, limit: None }
}

pub(crate) fn history(store: &Store, request: History) -> Result<HistoryPage, PageError> {
    match store.handle(&Request::History(request)).into_result() {
        Ok(Response::History(page)) => Ok(page),
        Ok(other) => panic!("unexpected answer {other:?}"),
        Err(error) => Err(error),
    }
}

pub(crate) fn list_request() -> List {
    List { wiki: WIKI.parse().unwrap(), prefix: None, revision: None, after: None, limit: None }
}

pub(crate) fn list(store: &Store, request: List) -> Result<ListPage, PageError> {
    match store.handle(&Request::List(request)).into_result() {
        Ok(Response::List(page)) => Ok(page),
        Ok(other) => panic!("unexpected answer {other:?}"),
        Err(error) => Err(error),
    }
}

pub(crate) fn maintain(store: &Store) -> Maintained {
    let request = Request::Maintain(Maintain { wiki: Some(WIKI.parse().unwrap()) });
    match store.handle(&request).into_result() {
        Ok(Response::Maintain(done)) => done,
        other => panic!("unexpected answer {other:?}"),
    }
}

pub(crate) fn paths(page: &ListPage) -> Vec<&str> {
    page.pages.iter().map(|page| page.path.as_str()).collect()
}

#[track_caller]
pub(crate) fn assert_code<T: std::fmt::Debug>(result: Result<T, PageError>, code: ErrorCode) {
    match result {
        Err(error) => assert_eq!(error.code, code, "{error}"),
        Ok(value) => panic!("expected {code:?}, got {value:?}"),
    }
}
