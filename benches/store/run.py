#!/usr/bin/env python3
"""What a commit and a read cost on a simulated EFS: the store and its peers.

    cargo build --release -p simulated-efs -p git-store --bins --examples
    python3 -m venv venv && venv/bin/pip install dulwich pygit2
    benches/store/run.py --target target/release --python venv/bin/python --pages 5000

Counts operations as FUSE sees them, and round trips as an NFS client would make them; takes
the middle of the times. Prints a table in Markdown.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).parent


class Mount:
    """One client of the backing folder."""

    def __init__(self, program, backing, profile):
        self.folder = tempfile.mkdtemp(prefix="store-bench-")
        self.process = subprocess.Popen(
            [program, backing, self.folder, "--profile", profile], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdout.readline()

    def counts(self):
        time.sleep(0.02)  # releases come late
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        os.rmdir(self.folder)


class Peer:
    def __init__(self, command, folder):
        self.process = subprocess.Popen([*command, folder], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, line):
        started = time.perf_counter()
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == "ok\n", (line, answer)
        return (time.perf_counter() - started) * 1000

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)


def page(number):
    return f"{number // 100:03}/{number % 100:02}"


def make(command, backing, pages, ours):
    """A wiki of so many pages, packed as its maintenance would leave it."""
    repository = pathlib.Path(backing, "wiki.git")
    if ours:
        peer = Peer(command, backing)
        peer.ask("init")
    else:
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", repository], check=True)
    stream = ["commit refs/heads/main\ncommitter x <x@y> 1700000000 +0000\ndata 6\nimport\n"]
    for number in range(pages):
        body = f"page {number}\n" * 20
        stream.append(f"M 100644 inline {page(number)}\ndata {len(body)}\n{body}\n")
    subprocess.run(["git", "--git-dir", repository, "fast-import", "--quiet"],
                   input="".join(stream), text=True, check=True)
    if ours == "maintained":
        peer.ask("maintain")
    if ours:
        peer.close()


def difference(before, after):
    return tuple(after[key] - before[key] for key in ("operations", "round_trips")) + (
        sum(after["classes"][k] - before["classes"].get(k, 0) for k in ("write", "metadata-write")),)


def measure(name, command, arguments, ours):
    backing = tempfile.mkdtemp(prefix="store-bench-")
    make(command, backing, arguments.pages, ours)
    if name.endswith("fsync"):
        subprocess.run(["git", "--git-dir", f"{backing}/wiki.git", "config", "core.fsyncObjectFiles",
                        "true"], check=True)
    program = f"{arguments.target}/simulated-efs"
    results = {}

    def note(what, mount, peer, line):
        before = mount.counts()
        took = peer.ask(line)
        results.setdefault(what, []).append((difference(before, mount.counts()), took))

    mount = Mount(program, backing, arguments.profile)
    peer = Peer(command, mount.folder)
    peer.ask(f"commit {page(0)} first")
    for number in range(arguments.times):
        note("commit, warm", mount, peer, f"commit {page(0)} warm-{number}")
    for number in range(arguments.times):
        note("read, warm", mount, peer, f"read {page(0)}")
    peer.close()
    mount.close()
    for number in range(arguments.times):
        for what in ("read", "commit"):
            mount = Mount(program, backing, arguments.profile)
            peer = Peer(command, mount.folder)
            time.sleep(0.3)  # modules are loaded by now
            which = page((number * 7 + 3) % arguments.pages)
            line = f"read {which}" if what == "read" else f"commit {which} cold-{number}"
            note(f"{what}, cold", mount, peer, line)
            peer.close()
            mount.close()
    subprocess.run(["git", "--git-dir", f"{backing}/wiki.git", "fsck", "--strict",
                    "--no-dangling", "--no-progress"], check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(backing)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--profile", default="efs-regional")
    parser.add_argument("--former", help="`peer` of a former version of the store")
    arguments = parser.parse_args()
    peers = {"ours": ([f"{arguments.target}/examples/peer"], "maintained")}
    if arguments.former:
        peers["ours, loose objects"] = ([arguments.former], "plain")
    peers["gix"] = ([f"{arguments.target}/examples/plain_gix"], None)
    for kind in ("libgit2", "libgit2-fsync", "dulwich", "dulwich-fsync", "git"):
        peers[kind] = ([arguments.python, str(HERE / "peers.py"), kind], None)
    print(f"{arguments.pages} pages, {arguments.profile}: operations / round trips / of which "
          "writes / milliseconds\n")
    columns = ("commit, warm", "commit, cold", "read, warm", "read, cold")
    print("| | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for name, (command, ours) in peers.items():
        results = measure(name, command, arguments, ours)
        cells = []
        for column in columns:
            middle = [statistics.median_low(values) for values in
                      zip(*(counts for counts, _ in results[column]))]
            took = statistics.median(took for _, took in results[column])
            cells.append(" / ".join(map(str, middle)) + f" / {took:.1f}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
