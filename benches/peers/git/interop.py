#!/usr/bin/env python3
"""dulwich, libgit2 and git clone and read what the store wrote. Start it with `run interop`."""

import argparse
import json
import pathlib
import subprocess
import tempfile

import dulwich.porcelain
import pygit2

PAGES = {}


def tell(peer, operation, **request):
    print(json.dumps({"operation": operation, "name": "wiki", **request}), file=peer.stdin, flush=True)
    assert peer.stdout.readline(), operation


def write(peer, count, text):
    for number in range(count):
        path = f"{number % 3}/{number % 20}"
        PAGES[path] = f"{text}-{number}"
        tell(peer, "write", path=path, body=PAGES[path])


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


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder of git-peers")
arguments = parser.parse_args()
with tempfile.TemporaryDirectory() as root:
    peer = subprocess.Popen([arguments.binaries / "git-peers", "ours", root], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tell(peer, "init")
    write(peer, 70, "first")
    check(f"{root}/wiki.git", "as written")
    tell(peer, "maintain")
    check(f"{root}/wiki.git", "maintained")
    write(peer, 30, "second")
    check(f"{root}/wiki.git", "with commits on top")
    peer.stdin.close()
    peer.wait()
