"""One peer of the comparison: a Python library, or the git binary.

`peer.py PEER FOLDER [--durable]` reads a request a line and answers each with a line: what it
found, and how many nanoseconds the operation took, without reading the request, writing the
answer or importing the library. `git-peers` (Rust) speaks the same.
"""

import json
import os
import subprocess
import sys
import time

NAME, EMAIL, MESSAGE = "Measurer", "measurer@example.com", "Write"
BRANCH = "refs/heads/main"


class Dulwich:
    """dulwich without a working tree: objects one by one, then the reference, if it has not
    moved. dulwich syncs references to disk; objects only if the repository says so."""

    def __init__(self, folder, durable):
        self.folder, self.durable, self.open = folder, durable, {}

    def prepare(self):
        global dulwich
        import dulwich.objects
        import dulwich.repo

    def path(self, name):
        return os.path.join(self.folder, name + ".git")

    def repository(self, name):
        if name not in self.open:
            self.open[name] = dulwich.repo.Repo(self.path(name))
        return self.open[name]

    def init(self, name):
        path = self.path(name)
        os.mkdir(path)
        repository = dulwich.repo.Repo.init_bare(path, default_branch=b"main")
        if self.durable:
            config = repository.get_config()
            config.set((b"core",), b"fsyncObjectFiles", True)
            config.write_to_path()

    def write(self, name, path, body):
        repository = self.repository(name)
        store, branch = repository.object_store, BRANCH.encode()
        try:
            head = repository.refs[branch]
            root = store[head].tree
        except KeyError:
            head = root = None
        blob = dulwich.objects.Blob.from_string(body.encode())
        store.add_object(blob)
        commit = dulwich.objects.Commit()
        commit.tree = self.put(store, root, path.encode().split(b"/"), blob.id)
        commit.parents = [head] if head else []
        commit.author = commit.committer = f"{NAME} <{EMAIL}>".encode()
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = MESSAGE.encode()
        store.add_object(commit)
        if head is None:
            moved = repository.refs.add_if_new(branch, commit.id)
        else:
            moved = repository.refs.set_if_equals(branch, head, commit.id)
        if not moved:
            raise RuntimeError("the branch moved")

    def put(self, store, tree, path, blob):
        tree = store[tree] if tree else dulwich.objects.Tree()
        name, rest = path[0], path[1:]
        if rest:
            inner = tree[name][1] if name in tree else None
            tree.add(name, 0o040000, self.put(store, inner, rest, blob))
        else:
            tree.add(name, 0o100644, blob)
        store.add_object(tree)
        return tree.id

    def read(self, name, path):
        repository = self.repository(name)
        store = repository.object_store
        found = store[repository.refs[BRANCH.encode()]].tree
        for part in path.encode().split(b"/"):
            found = store[found][part][1]
        return store[found].data.decode()

    def history(self, name, limit):
        repository = self.repository(name)
        head = repository.refs[BRANCH.encode()]
        walked = repository.get_walker(include=[head], max_entries=limit)
        return sum(1 for entry in walked if entry.commit.message)


class Libgit2:
    """libgit2, through pygit2. It syncs nothing unless told to."""

    def __init__(self, folder, durable):
        self.folder, self.durable, self.open = folder, durable, {}

    def prepare(self):
        global pygit2
        import pygit2

        if self.durable:
            pygit2.settings.enable_fsync_gitdir(True)

    def path(self, name):
        return os.path.join(self.folder, name + ".git")

    def repository(self, name):
        if name not in self.open:
            self.open[name] = pygit2.Repository(self.path(name))
        return self.open[name]

    def init(self, name):
        pygit2.init_repository(self.path(name), bare=True, initial_head="main")

    def write(self, name, path, body):
        repository = self.repository(name)
        parent = repository.references.get(BRANCH)
        parents = [parent.target] if parent else []
        root = repository[parent.target].tree if parent else None
        blob = repository.create_blob(body.encode())
        tree = self.put(repository, root, path.split("/"), blob)
        who = pygit2.Signature(NAME, EMAIL)
        repository.create_commit(BRANCH, who, who, MESSAGE, tree, parents)

    def put(self, repository, tree, path, blob):
        builder = repository.TreeBuilder(tree) if tree else repository.TreeBuilder()
        name, rest = path[0], path[1:]
        if rest:
            inner = tree[name] if tree and name in tree else None
            entry, mode = self.put(repository, inner, rest, blob), pygit2.enums.FileMode.TREE
        else:
            entry, mode = blob, pygit2.enums.FileMode.BLOB
        builder.insert(name, entry, mode)
        return builder.write()

    def read(self, name, path):
        repository = self.repository(name)
        head = repository.references[BRANCH].target
        return repository[head].tree[path].data.decode()

    def history(self, name, limit):
        repository = self.repository(name)
        found = 0
        for commit in repository.walk(repository.references[BRANCH].target):
            found += bool(commit.message)
            if found == limit:
                break
        return found


class Git:
    """The git binary, one process for each operation. A commit is one `git fast-import`, which
    is the fewest processes that git needs for one without a working tree."""

    def __init__(self, folder, durable):
        self.folder = folder
        self.settings = []
        if durable:
            self.settings = ["-c", "core.fsync=all", "-c", "core.fsyncMethod=fsync"]

    def prepare(self):
        pass

    def git(self, name, *arguments, given=b""):
        path = os.path.join(self.folder, name + ".git")
        command = ["git", *self.settings, "--git-dir", path, *arguments]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout

    def init(self, name):
        self.git(name, "init", "--quiet", "--bare", "--initial-branch=main", "--template=")

    def write(self, name, path, body):
        body = body.encode()
        try:
            self.commit(name, path, body, [f"from {BRANCH}^0"])
        except subprocess.CalledProcessError:
            # The first commit: there is nothing to start from.
            self.commit(name, path, body, [])

    def commit(self, name, path, body, start):
        lines = [f"commit {BRANCH}", f"committer {NAME} <{EMAIL}> {int(time.time())} +0000"]
        lines += [f"data {len(MESSAGE)}", MESSAGE]
        lines += start
        lines += [f"M 100644 inline {path}", f"data {len(body)}", ""]
        given = "\n".join(lines).encode() + body + b"\n"
        self.git(name, "fast-import", "--quiet", "--date-format=raw", given=given)

    def read(self, name, path):
        return self.git(name, "cat-file", "blob", f"{BRANCH}:{path}").decode()

    def history(self, name, limit):
        log = self.git(name, "log", f"-n{limit}", "--format=%H %an %at %s", BRANCH)
        return len(log.splitlines())


class GitPython:
    """GitPython, which works with an index and a working tree, and starts git for much of what
    it does. It has no setting for durability."""

    def __init__(self, folder, durable):
        self.folder, self.open = folder, {}

    def prepare(self):
        global git
        import git

    def path(self, name):
        return os.path.join(self.folder, name)

    def repository(self, name):
        if name not in self.open:
            self.open[name] = git.Repo(self.path(name))
        return self.open[name]

    def init(self, name):
        git.Repo.init(self.path(name), initial_branch="main")

    def write(self, name, path, body):
        repository = self.repository(name)
        file = os.path.join(self.path(name), path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as page:
            page.write(body)
        repository.index.add([path])
        who = git.Actor(NAME, EMAIL)
        repository.index.commit(MESSAGE, author=who, committer=who)

    def read(self, name, path):
        tree = self.repository(name).head.commit.tree
        return (tree / path).data_stream.read().decode()

    def history(self, name, limit):
        commits = self.repository(name).iter_commits("main", max_count=limit)
        return sum(1 for commit in commits if commit.message)


PEERS = {"dulwich": Dulwich, "libgit2": Libgit2, "git": Git, "gitpython": GitPython}


def main():
    peer = PEERS[sys.argv[1]](sys.argv[2], "--durable" in sys.argv[3:])
    peer.prepare()
    for line in sys.stdin:
        request = json.loads(line)
        operation = getattr(peer, request.pop("operation"))
        begun = time.perf_counter_ns()
        found = operation(**request)
        took = time.perf_counter_ns() - begun
        print(json.dumps({"took": took, "found": found}), flush=True)


if __name__ == "__main__":
    main()
