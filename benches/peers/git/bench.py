#!/usr/bin/env python3
"""Compares git libraries on a network file system. See README.md; start it with `run`."""

import argparse
import importlib.metadata
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import report

HERE = Path(__file__).resolve().parent
BRANCH = "refs/heads/main"
LONGEST = 1800  # seconds that one operation, or one seed, may take
PAGES, FOLDERS = 5_000, 50

# Name, library, arguments, what it does for durability.
PEERS = [
    ("ours", "ours", [], "durable"),
    ("dulwich, durable", "dulwich", ["--durable"], "durable"),
    ("dulwich", "dulwich", [], "reference only"),
    ("libgit2, durable", "libgit2", ["--durable"], "durable"),
    ("libgit2", "libgit2", [], "none"),
    ("git, durable", "git", ["--durable"], "durable"),
    ("git", "git", [], "packs and references"),
    ("gix", "gix", [], "none"),
    ("GitPython", "gitpython", [], "none"),
]


def fail(message):
    sys.exit(f"error: {message}")


def page(number):
    return f"area-{number % FOLDERS:02}/page-{number:04}.md"


def body(number, version):
    """A page of about 2 KB that is unlike all others."""
    lines = [f"# Page {number}, version {version}", ""]
    lines += [f"Line {n} of page {number} in version {version}: {n * number} words." for n in range(40)]
    return "\n".join(lines) + "\n"


def copy(seed, to):
    """Copies a folder. Objects of git's are never changed in place, so that those of the peers
    are shared; what else there is, and all of ours, is copied."""

    def file(source, target):
        if "/objects/" in source and seed.name != "seed-ours":
            os.link(source, target)
        else:
            shutil.copy2(source, target)

    shutil.copytree(seed, to, copy_function=file, symlinks=True, dirs_exist_ok=True)


class Worker:
    """A process of one peer, in one folder."""

    def __init__(self, bench, library, folder, arguments):
        if library in ("ours", "gix"):
            command = [bench.binaries / "git-peers", library, folder]
        else:
            command = [sys.executable, HERE / "peer.py", library, folder, *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bench.environment, text=True
        )
        self.timer = threading.Timer(LONGEST, self.process.kill)
        self.timer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.timer.cancel()
        self.process.stdout.close()

    def ask(self, operation, **request):
        """Milliseconds that the operation took, and what it found."""
        print(json.dumps({"operation": operation, **request}), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            fail(f"{self.process.args}: {operation} failed, see above")
        answer = json.loads(line)
        return answer["took"] / 1e6, answer["found"]

    def write(self, name, number, version):
        return self.ask("write", name=name, path=page(number), body=body(number, version))[0]

    def read(self, name, number, version):
        took, found = self.ask("read", name=name, path=page(number))
        if found.rstrip("\n") != body(number, version).rstrip("\n"):
            fail(f"{self.process.args}: {page(number)} does not read as written")
        return took

    def history(self, name, limit):
        took, found = self.ask("history", name=name, limit=limit)
        if found != limit:
            fail(f"{self.process.args}: a history of {limit} has {found}")
        return took


class Local:
    """The folder itself: no simulation, nothing counted."""

    counted = False

    def __init__(self, bench, backing):
        self.path = backing

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def counts(self):
        return None


class Mounted:
    """The folder through simulated-efs."""

    counted = True
    profile = None

    def __init__(self, bench, backing):
        self.path = bench.folder / "mounted"
        self.file = bench.folder / "counts.json"
        self.path.mkdir(exist_ok=True)
        command = [bench.binaries / "simulated-efs", backing, self.path, "--counts", self.file]
        self.process = subprocess.Popen(
            [*command, "--profile", self.profile], stdout=subprocess.PIPE, text=True
        )
        if not self.process.stdout.readline().startswith("mounted"):
            fail("simulated-efs did not mount, see above")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def counts(self):
        self.file.unlink(missing_ok=True)
        self.process.send_signal(signal.SIGUSR1)
        until = time.monotonic() + 60
        while not self.file.exists():
            if time.monotonic() > until:
                fail("simulated-efs does not answer")
            time.sleep(0.001)
        return json.loads(self.file.read_text())


def mounted(name):
    return type(name, (Mounted,), {"profile": name})


def difference(before, after, operations):
    """Counts of one operation, on average of several."""
    if before is None:
        return None
    kinds = {}
    for kind, of in after["kinds"].items():
        former = before["kinds"].get(kind, {"operations": 0, "round_trips": 0})
        delta = {key: (of[key] - former[key]) / operations for key in of}
        if any(delta.values()):
            kinds[kind] = delta
    classes = {
        name: (count - before["classes"][name]) / operations for name, count in after["classes"].items()
    }
    return {
        "operations": (after["operations"] - before["operations"]) / operations,
        "round_trips": (after["round_trips"] - before["round_trips"]) / operations,
        "classes": classes,
        "kinds": kinds,
    }


def summary(samples, counts):
    ordered = sorted(samples)
    return {
        "samples": len(ordered),
        "median_ms": statistics.median(ordered),
        "p95_ms": ordered[max(0, -(-95 * len(ordered) // 100) - 1)],
        "min_ms": ordered[0],
        "max_ms": ordered[-1],
        "counts": counts,
    }


def phase(place, samples):
    """Runs a generator of samples, and counts what it did to the file system."""
    before = place.counts()
    taken = list(samples)
    return summary(taken, difference(before, place.counts(), len(taken)))


class Bench:
    def __init__(self, arguments, folder):
        self.folder, self.binaries, self.sizes = folder, arguments.binaries, arguments.sizes
        home = folder / "home"
        home.mkdir()
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }

    def git(self, *arguments, **more):
        command = ["git", *map(str, arguments)]
        return subprocess.run(
            command, check=True, env=self.environment, capture_output=True, **more
        ).stdout

    # Wikis of 5,000 pages, each written by a commit of its own.

    def seed_ours(self):
        folder = self.folder / "seed-ours"
        folder.mkdir()
        with Worker(self, "ours", folder, []) as worker:
            worker.ask("init", name="wiki")
            for number in range(PAGES):
                worker.write("wiki", number, 0)
            # As the efs stack has it done every hour.
            worker.ask("maintain", name="wiki")
        return folder

    def seed_loose(self):
        """The same wiki as a library leaves it that writes loose objects."""
        folder = self.folder / "seed-loose"
        repository = folder / "wiki.git"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", "--template=", repository)
        at = ("--git-dir", repository)
        stream = []
        for number in range(PAGES):
            text = body(number, 0)
            stream.append(f"commit {BRANCH}\ncommitter Measurer <measurer@example.com> {number} +0000")
            stream.append(f"data 5\nWrite\nM 100644 inline {page(number)}\ndata {len(text)}\n{text}")
        limit = ("-c", f"fastimport.unpackLimit={PAGES * 100}")
        given = ("\n".join(stream) + "\n").encode()
        self.git(*limit, *at, "fast-import", "--quiet", "--date-format=raw", input=given)
        if list((repository / "objects" / "pack").glob("*.pack")):
            fail("the seed was to be of loose objects")
        return folder

    def seed_packed(self, loose):
        folder = self.folder / "seed-packed"
        shutil.copytree(loose, folder)
        self.git("--git-dir", folder / "wiki.git", "gc", "--quiet")
        return folder

    def seed_tree(self, seed):
        """The same wiki with a working tree and an index."""
        folder = self.folder / (seed.name + "-tree")
        shutil.copytree(seed / "wiki.git", folder / "wiki" / ".git")
        self.git("-C", folder / "wiki", "config", "core.bare", "false")
        self.git("-C", folder / "wiki", "reset", "--quiet", "--hard")
        return folder

    # What is measured.

    def small(self, place_of, library, arguments, backing):
        sizes, found = self.sizes, {}
        name, commits = "small", sizes["commits"]
        with place_of(self, backing) as place:
            with Worker(self, library, place.path, arguments) as worker:
                made = (worker.ask("init", name=f"init-{n}")[0] for n in range(sizes["inits"]))
                found["init"] = phase(place, made)
                worker.ask("init", name=name)
                # The first commit of a repository is unlike the others.
                worker.write(name, 0, "first")
                written = (worker.write(name, n % 20, n) for n in range(commits))
                found["commit, warm"] = phase(place, written)
                last = {n % 20: n for n in range(commits)}
                worker.read(name, 0, last[0])
                read = (worker.read(name, n % 20, last[n % 20]) for n in range(sizes["reads"]))
                found["read, warm"] = phase(place, read)
                told = (worker.history(name, commits) for _ in range(sizes["histories"]))
                found[f"history of {commits}, warm"] = phase(place, told)
        found.update(self.cold(place_of, library, arguments, backing, name, last))
        self.check(backing, name, commits + 1 + sizes["colds"])
        return found

    def wiki(self, place_of, library, arguments, backing):
        sizes, found, name = self.sizes, {}, "wiki"
        step = 613  # pages that follow each other are of different folders
        with place_of(self, backing) as place:
            with Worker(self, library, place.path, arguments) as worker:
                worker.read(name, 0, 0)
                worker.write(name, 0, "first")
                versions = {0: "first"}
                numbers = [n * step % PAGES for n in range(1, sizes["wiki_commits"] + 1)]
                written = (worker.write(name, number, "next") for number in numbers)
                found["commit, warm"] = phase(place, written)
                versions.update(dict.fromkeys(numbers, "next"))
                # Each folder once, so that what is measured is warm.
                for number in range(4_000, 4_000 + FOLDERS):
                    worker.read(name, number, versions.get(number, 0))
                numbers = [n * step % PAGES for n in range(1_000, 1_000 + sizes["reads"])]
                read = (worker.read(name, number, versions.get(number, 0)) for number in numbers)
                found["read, warm"] = phase(place, read)
        known = {number: versions.get(number, 0) for number in range(3_000, 3_000 + sizes["colds"])}
        found.update(self.cold(place_of, library, arguments, backing, name, known))
        self.check(backing, name, PAGES + 1 + sizes["wiki_commits"] + sizes["colds"])
        return found

    def cold(self, place_of, library, arguments, backing, name, known):
        """First operations of processes on a client that knows nothing yet."""
        found = {}
        for operation in ("commit", "read"):
            samples, counts = [], []
            for n in range(self.sizes["colds"]):
                number = sorted(known)[n % len(known)]
                with place_of(self, backing) as place:
                    before = place.counts()
                    with Worker(self, library, place.path, arguments) as worker:
                        if operation == "commit":
                            version = f"cold {n}"
                            samples.append(worker.write(name, number, version))
                            known[number] = version
                        else:
                            samples.append(worker.read(name, number, known[number]))
                        counts.append(difference(before, place.counts(), 1))
            middle = None
            if counts[0] is not None:
                middle = sorted(counts, key=lambda of: of["round_trips"])[len(counts) // 2]
            found[f"{operation}, cold"] = summary(samples, middle)
        return found

    def check(self, backing, name, commits):
        """By git itself: nothing is lost, nothing broken."""
        bare = backing / f"{name}.git"
        at = bare if bare.exists() else backing / name / ".git"
        found = int(self.git("--git-dir", at, "rev-list", "--count", BRANCH))
        if found != commits:
            fail(f"{at} has {found} commits, not {commits}")
        self.git("--git-dir", at, "fsck", "--strict")


def machine():
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    except OSError:
        pass
    return {"processor": model, "processors": os.cpu_count(), "kernel": platform.release()}


def versions(bench):
    root = HERE.parent.parent.parent
    tree = subprocess.run(
        ["cargo", "tree", "-p", "git-peers", "--depth", "1", "--prefix", "none"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=root, capture_output=True, text=True
    ).stdout.strip()
    import pygit2

    return {
        "ours": commit,
        "dulwich": importlib.metadata.version("dulwich"),
        "libgit2": f"{pygit2.LIBGIT2_VERSION} (pygit2 {pygit2.__version__})",
        "git": bench.git("version").decode().split()[2],
        "gix": next(line.split()[1].lstrip("v") for line in tree.splitlines() if line.startswith("gix ")),
        "GitPython": importlib.metadata.version("GitPython"),
        "Python": platform.python_version(),
    }


def copy_to_disk(seed, disk):
    return shutil.copytree(seed, disk / seed.name, symlinks=True)


def run(arguments, folder, disk):
    bench = Bench(arguments, folder)
    results = {
        "schema": 1,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(bench),
        "sizes": arguments.sizes,
        "pages": PAGES,
        "peers": {name: durability for name, _, _, durability in PEERS},
        "results": [],
    }
    say = lambda text: print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
    say("seeds: wikis of 5,000 pages")
    loose = bench.seed_loose()
    seeds = {"ours": {"loose": bench.seed_ours()}, "bare": {"loose": loose}}
    seeds["bare"]["packed"] = bench.seed_packed(loose)
    seeds["tree"] = {state: bench.seed_tree(seed) for state, seed in seeds["bare"].items()}
    places = {"local": Local, **{name: mounted(name) for name in arguments.profiles}}
    for place_name, place_of in places.items():
        # The local disk is measured as it is; under the simulated file system, memory keeps the
        # disk out of the figures.
        parent = disk if place_name == "local" else folder
        seeds_here = seeds
        if place_name == "local":
            seeds_here = {
                of: {state: copy_to_disk(seed, disk) for state, seed in states.items()}
                for of, states in seeds.items()
            }
            os.sync()
        for name, library, options, _ in PEERS:
            if arguments.peers and library not in arguments.peers:
                continue
            of = {"ours": "ours", "gitpython": "tree"}.get(library, "bare")
            work = [("small", None)] + [(f"wiki, {state}", seed) for state, seed in seeds_here[of].items()]
            for scenario, seed in work:
                say(f"{place_name}: {name}: {scenario}")
                with tempfile.TemporaryDirectory(dir=parent, prefix="backing-") as backing:
                    backing = Path(backing)
                    if seed is None:
                        found = bench.small(place_of, library, options, backing)
                    else:
                        copy(seed, backing)
                        if place_name == "local" and library == "ours":
                            # What the copy left to be written is not to be waited for later.
                            os.sync()
                        found = bench.wiki(place_of, library, options, backing)
                for operation, measured in found.items():
                    row = {"place": place_name, "peer": name, "scenario": scenario}
                    results["results"].append({**row, "operation": operation, **measured})
                # After each, so that a late failure loses nothing.
                report.write(results, arguments.out)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, help="folder of git-peers and simulated-efs")
    parser.add_argument("--profiles", nargs="*", default=["efs-regional"], help="efs-regional, efs-one-zone, none")
    parser.add_argument("--peers", nargs="*", help="libraries: ours dulwich libgit2 git gix gitpython (all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the operations: to see that it works")
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()), help="where the local disk is measured")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    arguments = parser.parse_args()
    arguments.sizes = {
        "inits": 10, "commits": 200, "reads": 200, "histories": 5, "wiki_commits": 50, "colds": 10,
    }
    if arguments.quick:
        arguments.sizes = {
            "inits": 2, "commits": 20, "reads": 20, "histories": 2, "wiki_commits": 5, "colds": 3,
        }
    if arguments.profiles and not os.path.exists("/dev/fuse"):
        print("There is no /dev/fuse: only the local disk is measured, and nothing counted.", file=sys.stderr)
        arguments.profiles = []
    arguments.out.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")
    parent = memory if os.access(memory, os.W_OK) else None
    temporary = lambda parent: tempfile.TemporaryDirectory(dir=parent, prefix="git-peers-")
    with temporary(parent) as folder, temporary(arguments.disk) as disk:
        run(arguments, Path(folder), Path(disk))
    print((arguments.out / "results.md").read_text())


if __name__ == "__main__":
    main()
