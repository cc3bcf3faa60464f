"""dulwich, libgit2 (pygit2) and the git binary as the driver asks them: see run.py."""

import os
import subprocess
import sys
import time

kind, folder = sys.argv[1], sys.argv[2]
path_of_repository = os.path.join(folder, "wiki.git")


class Dulwich:
    def __init__(self):
        from dulwich.repo import Repo

        self.repo = Repo(path_of_repository)

    def commit(self, path, text):
        from dulwich.objects import Blob, Commit

        repo, store = self.repo, self.repo.object_store
        head = repo.refs[b"refs/heads/main"]
        root = repo[repo[head].tree]
        folder, name = path.encode().split(b"/")
        inner = repo[root[folder][1]]
        blob = Blob.from_string(text.encode())
        inner[name] = (0o100644, blob.id)
        root[folder] = (0o040000, inner.id)
        commit = Commit()
        commit.tree, commit.parents = root.id, [head]
        commit.author = commit.committer = b"x <x@y>"
        commit.commit_time = commit.author_time = int(time.time())
        commit.commit_timezone = commit.author_timezone = 0
        commit.message = b"Measure"
        for new in (blob, inner, root, commit):
            store.add_object(new)
        assert repo.refs.set_if_equals(b"refs/heads/main", head, commit.id)

    def read(self, path):
        repo = self.repo
        root = repo[repo[repo.refs[b"refs/heads/main"]].tree]
        folder, name = path.encode().split(b"/")
        return repo[repo[root[folder][1]][name][1]].data


class Libgit2:
    def __init__(self):
        import pygit2

        self.git = pygit2
        if kind == "libgit2-fsync":
            pygit2.settings.enable_fsync_gitdir(True)
        self.repo = pygit2.Repository(path_of_repository)

    def commit(self, path, text):
        repo, git = self.repo, self.git
        head = repo.references["refs/heads/main"].target
        root = repo[head].tree
        folder, name = path.split("/")
        blob = repo.create_blob(text.encode())
        inner = repo.TreeBuilder(root[folder])
        inner.insert(name, blob, git.GIT_FILEMODE_BLOB)
        outer = repo.TreeBuilder(root)
        outer.insert(folder, inner.write(), git.GIT_FILEMODE_TREE)
        who = git.Signature("x", "x@y")
        repo.create_commit("refs/heads/main", who, who, "Measure", outer.write(), [head])

    def read(self, path):
        repo = self.repo
        return (repo[repo.references["refs/heads/main"].target].tree / path).data


class Git:
    """Plumbing of the git binary; each command is a process."""

    def git(self, *arguments, text=None, index=None):
        environment = dict(os.environ, GIT_DIR=path_of_repository, GIT_AUTHOR_NAME="x",
                           GIT_AUTHOR_EMAIL="x@y", GIT_COMMITTER_NAME="x", GIT_COMMITTER_EMAIL="x@y")
        return subprocess.run(["git", *arguments], input=text, env=environment, check=True,
                              capture_output=True, text=True).stdout.strip()

    def commit(self, path, text):
        folder, name = path.split("/")
        head = self.git("rev-parse", "refs/heads/main")
        blob = self.git("hash-object", "-w", "--stdin", text=text)

        def put(tree, line, name):
            lines = [one for one in self.git("ls-tree", tree).splitlines()
                     if one.split("\t")[1] != name]
            return self.git("mktree", text="\n".join([*lines, f"{line}\t{name}"]) + "\n")

        inner = put(f"{head}:{folder}", f"100644 blob {blob}", name)
        root = put(f"{head}:", f"040000 tree {inner}", folder)
        new = self.git("commit-tree", "-m", "Measure", "-p", head, root)
        self.git("update-ref", "refs/heads/main", new, head)

    def read(self, path):
        return self.git("cat-file", "blob", f"refs/heads/main:{path}")


def main():
    subject = None
    for line in sys.stdin:
        words = line.split()
        if subject is None:
            subject = {"dulwich": Dulwich, "dulwich-fsync": Dulwich, "libgit2": Libgit2,
                       "libgit2-fsync": Libgit2, "git": Git}[kind]()
        getattr(subject, words[0])(*words[1:])
        print("ok", flush=True)


if kind.startswith("dulwich"):
    import dulwich.objects  # noqa: F401  (a cold start is not the import of modules)
    import dulwich.repo  # noqa: F401
elif kind.startswith("libgit2"):
    import pygit2  # noqa: F401
main()
