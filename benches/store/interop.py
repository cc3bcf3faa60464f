#!/usr/bin/env python3
"""dulwich, libgit2 and git clone and read what the store wrote.

    venv/bin/python benches/store/interop.py target/debug/examples/peer
"""

import subprocess
import sys
import tempfile

import dulwich.porcelain
import pygit2

PAGES = {}


def tell(peer, line):
    peer.stdin.write(line + "\n")
    peer.stdin.flush()
    assert peer.stdout.readline() == "ok\n", line


def write(peer, count, text):
    for number in range(count):
        path = f"{number % 3}/{number % 20}"
        PAGES[path] = f"{text}-{number}"
        tell(peer, f"commit {path} {PAGES[path]}")


def check(repository, what):
    with tempfile.TemporaryDirectory() as folder:
        clones = {name: f"{folder}/{name}" for name in ("dulwich", "libgit2", "git")}
        dulwich.porcelain.clone(repository, clones["dulwich"], bare=True,
                                errstream=dulwich.porcelain.NoneStream())
        pygit2.clone_repository(repository, clones["libgit2"], bare=True)
        subprocess.run(["git", "clone", "-q", "--bare", "--no-local", repository, clones["git"]],
                       check=True)
        for place in (repository, *clones.values()):
            subprocess.run(["git", "--git-dir", place, "fsck", "--strict"], check=True,
                           capture_output=True)
            libgit2, python = pygit2.Repository(place), dulwich.porcelain.open_repo(place)
            head = libgit2.references["refs/heads/main"].target
            tree = python[python[python.refs[b"refs/heads/main"]].tree]
            for path, text in PAGES.items():
                assert (libgit2[head].tree / path).data.decode() == text, (place, path)
                _, blob = tree.lookup_path(python.__getitem__, path.encode())
                assert python[blob].data.decode() == text, (place, path)
            commits = len(list(libgit2.walk(head)))
            assert commits == len(list(python.get_walker())), place
    print(f"{what}: {commits} commits, {len(PAGES)} pages, read by dulwich, libgit2 and git")


with tempfile.TemporaryDirectory() as root:
    peer = subprocess.Popen([sys.argv[1], root], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            text=True)
    tell(peer, "init")
    write(peer, 70, "first")
    check(f"{root}/wiki.git", "as written")
    tell(peer, "maintain")
    check(f"{root}/wiki.git", "maintained")
    write(peer, 30, "second")
    check(f"{root}/wiki.git", "with commits on top")
    peer.stdin.close()
    peer.wait()
