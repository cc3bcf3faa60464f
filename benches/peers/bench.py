#!/usr/bin/env python3
"""Compares platformctl with the AWS CDK on the same content. See README.md."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

from generate import differences, generate, pruned

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CDK = HERE / "node_modules" / "aws-cdk" / "bin" / "cdk"
LONGEST = 1800  # seconds that one process may take


def fail(message, hint=None):
    sys.exit(f"error: {message}" + (f"\nhint: {hint}" if hint else ""))


def environment(**more):
    """What every measured process sees: nothing that reaches out, no credentials."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "CI": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_COLOR": "1",
        **more,
    }


def measure(arguments, cwd, env, accepted=(0,)):
    """Wall time, processor time and peak memory of one process and those it waits for.

    Peak memory is the largest resident set of any one of them, as the kernel counts it.
    """
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            arguments, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        timer = threading.Timer(LONGEST, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accepted:
            output.seek(0)
            text = output.read().decode(errors="replace")[-3000:]
            fail(f"{' '.join(map(str, arguments))} ended with {process.returncode}\n{text}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss * 1024}


def together(samples):
    """Processes run one after the other, as one sample."""
    return {
        "wall": sum(sample["wall"] for sample in samples),
        "cpu": sum(sample["cpu"] for sample in samples),
        "memory": max(sample["memory"] for sample in samples),
    }


def exported(binary, config, folder):
    """Synthesizes `config`, and returns its stacks: id, stack name, template.

    Stacks that share a template, as siloed tenants do, have one file together and are
    stacks of their own with the CDK, which has no shared ones.
    """
    report = subprocess.run(
        [binary, "synth", "-c", config, "--format", "json", "--out", folder, "-o", "json"],
        check=True, env=environment(), capture_output=True, text=True,
    ).stdout
    rows = json.loads(report)["stacks"]
    templates = {file: json.loads(Path(file).read_text()) for file in {row["file"] for row in rows}}
    stacks = [(row["stack"], row["stack_name"], templates[row["file"]]) for row in rows]
    if len({id_ for id_, _, _ in stacks}) < len(stacks):
        fail("two stacks have the same name")
    return stacks


def repeated(stacks, stack, count):
    """`count` copies of one stack, each with names of its own; and no other stack."""
    chosen = [entry for entry in stacks if entry[0] == stack]
    if not chosen:
        fail(f"there is no stack {stack}", "stacks: " + ", ".join(id_ for id_, _, _ in stacks))
    id_, name, template = chosen[0]
    text = json.dumps(template)
    copies = []
    for number in range(1, count + 1):
        tenant = f"{name}-t{number:04}"
        copies.append((f"{id_}-t{number:04}", tenant, json.loads(text.replace(name, tenant))))
    return copies


class Case:
    """One content: a platform.yaml, or copies of one of its stacks."""

    def __init__(self, label, binary, config, folder, copies=None):
        self.label, self.binary, self.config, self.folder = label, binary, config, folder
        folder.mkdir(parents=True)
        self.stacks = exported(binary, config, folder / "templates")
        # Copies exist for the CDK only: no platform.yaml makes them.
        self.ours = copies is None
        if copies:
            self.stacks = repeated(self.stacks, *copies)
        self.resources = sum(len(template["Resources"]) for _, _, template in self.stacks)
        self.app = folder / "app"
        self.classes = generate(self.stacks, self.app)
        # The app finds its packages as if it stood in this folder.
        (self.app / "node_modules").symlink_to(HERE / "node_modules")
        tsc = HERE / "node_modules" / "typescript" / "bin" / "tsc"
        config_file = self.app / "tsconfig.json"
        config_file.write_text(json.dumps({"extends": str(HERE / "tsconfig.json"), "files": ["app.ts"],
                                           "compilerOptions": {"typeRoots": [str(HERE / "node_modules/@types")]}}))
        done = subprocess.run(["node", tsc, "-p", config_file], capture_output=True, text=True)
        if done.returncode:
            fail(f"the generated app does not compile:\n{done.stdout[:3000]}")
        self.verify()

    def out(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def verify(self):
        """The CDK's templates are ours, but for the order of keys and what is empty."""
        out = self.out("verified")
        self.node(out, validation=False)
        found = 0
        for id_, name, template in self.stacks:
            files = list(out.glob(f"{id_}.template.json"))
            if not files:
                fail(f"the CDK wrote no template for {id_}")
            theirs = json.loads(files[0].read_text())
            wrong = list(differences(pruned(template), pruned(theirs)))
            if wrong:
                fail(f"the CDK's template of {name} is not ours:\n  " + "\n  ".join(wrong[:10]))
            found += len(theirs["Resources"])
        if found != self.resources or len(list(out.glob("*.template.json"))) != len(self.stacks):
            fail("the CDK's templates are more or fewer than ours")
        shutil.rmtree(out)

    def node(self, out, validation):
        switch = {} if validation else {"CDK_VALIDATION": "false"}
        env = environment(CDK_OUTDIR=str(out), **switch)
        return measure(["node", self.app / "app.js"], self.app, env)

    def cdk(self, out, validation):
        switch = {} if validation else {"CDK_VALIDATION": "false"}
        arguments = [
            "node", CDK, "synth", "--quiet", "--no-notices", "--no-version-reporting",
            "--no-path-metadata", "--no-asset-metadata",
            *([] if validation else ["--no-validation"]),
            "--app", "node app.js", "--output", out,
        ]
        return measure(arguments, self.app, environment(**switch))

    def synth(self, out):
        arguments = [self.binary, "synth", "-c", self.config, "--format", "json", "--out", out]
        return measure(arguments, self.folder, environment())

    def check(self):
        # 4: a rule was violated; that is a result, and takes as long.
        return measure([self.binary, "check", "-c", self.config], self.folder, environment(), (0, 4))

    def variants(self, cli):
        """What is measured: group, name, how."""
        out = lambda: self.out("out")
        if self.ours:
            yield "synth", "platformctl synth", lambda: self.synth(out())
        yield "synth", "CDK app, CDK_VALIDATION=false", lambda: self.node(out(), False)
        if cli:
            yield "synth", "cdk synth --no-validation", lambda: self.cdk(out(), False)
        if self.ours:
            yield "check", "platformctl synth, then check", lambda: together([self.synth(out()), self.check()])
        yield "check", "CDK app with its validator", lambda: self.node(out(), True)
        if cli:
            yield "check", "cdk synth with its validator", lambda: self.cdk(out(), True)


def measured(case, runs, cli):
    """All variants of a case, in turns, so that a busy moment does not meet only one."""
    variants = list(case.variants(cli))
    samples = {name: [] for _, name, _ in variants}
    for run in range(runs + 1):
        for _, name, sample in variants:
            taken = sample()
            # The first round fills the caches of the machine.
            if run > 0:
                samples[name].append(taken)
        print(f"  {case.label}: round {run} of {runs}", file=sys.stderr, flush=True)
    rows = []
    for group, name, _ in variants:
        of = lambda key: [sample[key] for sample in samples[name]]
        rows.append({
            "group": group, "name": name, "runs": runs,
            "wall_median_s": statistics.median(of("wall")),
            "wall_min_s": min(of("wall")), "wall_max_s": max(of("wall")),
            "cpu_median_s": statistics.median(of("cpu")),
            "memory_median_bytes": statistics.median(of("memory")),
            "samples": {key: [round(value, 6) for value in of(key)] for key in ("wall", "cpu", "memory")},
        })
    for group in {row["group"] for row in rows}:
        members = [row for row in rows if row["group"] == group]
        if case.ours:
            for row in members:
                row["times_wall"] = row["wall_median_s"] / members[0]["wall_median_s"]
                row["times_cpu"] = row["cpu_median_s"] / members[0]["cpu_median_s"]
                row["times_memory"] = row["memory_median_bytes"] / members[0]["memory_median_bytes"]
    return rows


def floor(runs):
    """What a process costs that does nothing but start node, or load the CDK."""
    rows = []
    for name, code in [("node, nothing", "0"), ("node, aws-cdk-lib loaded", "require('aws-cdk-lib').App")]:
        taken = [measure(["node", "-e", code], HERE, environment()) for _ in range(runs + 1)][1:]
        rows.append({
            "name": name,
            "wall_median_s": statistics.median(sample["wall"] for sample in taken),
            "memory_median_bytes": statistics.median(sample["memory"] for sample in taken),
        })
    return rows


def growth(cases):
    """Of the first and the last platform.yaml by stacks: what one more stack costs."""
    own = sorted((case for case in cases if case["ours"]), key=lambda case: case["stacks"])
    if len(own) < 2 or own[0]["stacks"] == own[-1]["stacks"]:
        return []
    few, many = own[0], own[-1]
    more = many["stacks"] - few["stacks"]
    lines = []
    for row in many["rows"]:
        before = next((other for other in few["rows"] if other["name"] == row["name"]), None)
        if before:
            lines.append({
                "name": row["name"], "from": few["label"], "to": many["label"], "stacks": more,
                "wall_ms_per_stack": 1000 * (row["wall_median_s"] - before["wall_median_s"]) / more,
                "memory_kb_per_stack": (row["memory_median_bytes"] - before["memory_median_bytes"]) / more / 1000,
            })
    return lines


def markdown(result):
    versions = result["versions"]
    lines = [
        "# platformctl and the AWS CDK, measured",
        "",
        f"{result['at']} · {result['machine']}, load {result['load']} before, templates written to {result['file_system']} · {versions['platformctl']} · aws-cdk-lib "
        f"{versions['aws-cdk-lib']} · aws-cdk {versions['aws-cdk']} · node {versions['node']}. "
        "Medians of whole processes; how is in the [README](../README.md).",
        "",
    ]
    for case in result["cases"]:
        whose = "" if case["ours"] else "; copies of one stack, which no platform.yaml makes: the CDK alone"
        lines += [
            f"## {case['label']}: {case['stacks']} stacks, {case['resources']} resources{whose}",
            "",
            "| | wall | slowest | processor | peak memory | wall, × platformctl | processor, × | memory, × |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for group in ("synth", "check"):
            for row in (row for row in case["rows"] if row["group"] == group):
                ratios = [f"{row[key]:.1f}" if key in row else "" for key in ("times_wall", "times_cpu", "times_memory")]
                lines.append(
                    f"| {row['name']} | {1000 * row['wall_median_s']:,.1f} ms | {1000 * row['wall_max_s']:,.1f} ms "
                    f"| {1000 * row['cpu_median_s']:,.1f} ms | {row['memory_median_bytes'] / 1e6:,.1f} MB | "
                    + " | ".join(ratios) + " |"
                )
        lines.append("")
    if result["growth"]:
        lines += ["## One more stack", "", "| | wall | peak memory |", "|---|--:|--:|"]
        for row in result["growth"]:
            lines.append(f"| {row['name']} | {row['wall_ms_per_stack']:.2f} ms | {row['memory_kb_per_stack']:.0f} kB |")
        lines.append("")
    lines += ["## What node costs before it does anything", "", "| | wall | peak memory |", "|---|--:|--:|"]
    for row in result["floor"]:
        lines.append(f"| {row['name']} | {1000 * row['wall_median_s']:,.1f} ms | {row['memory_median_bytes'] / 1e6:,.1f} MB |")
    return "\n".join(lines) + "\n"


def version(package):
    return json.loads((HERE / "node_modules" / package / "package.json").read_text())["version"]


def machine():
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{os.cpu_count()} × {model}, {platform.system()}"


def file_system():
    """What the templates are written to: on a disk, each new file costs both sides time."""
    done = subprocess.run(["stat", "-f", "-c", "%T", tempfile.gettempdir()], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/platformctl",
                        help="a release build (default: target/release/platformctl)")
    parser.add_argument("--config", action="append", metavar="[LABEL=]FILE",
                        help="a platform.yaml; several times for several contents (default: examples/three-zones)")
    parser.add_argument("--repeat", metavar="STACK=COUNT",
                        help="besides, the CDK alone on copies of a stack of the first platform.yaml")
    parser.add_argument("--runs", type=int, default=10, help="measured rounds (default: 10)")
    parser.add_argument("--no-cdk-cli", action="store_true", help="leave out `cdk synth`")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the results")
    options = parser.parse_args()
    if options.runs < 1:
        fail("--runs is 1 or more")
    if not options.binary.is_file():
        fail(f"{options.binary} is not there", "cargo build --release, or name it with --binary")
    if not CDK.exists():
        fail("the CDK is not installed", f"npm ci --prefix {HERE}")

    load = os.getloadavg()[0]
    binary = options.binary.resolve()
    configs = []
    for text in options.config or [str(ROOT / "examples/three-zones/platform.yaml")]:
        label, _, file = text.rpartition("=")
        file = Path(file).resolve()
        if not file.is_file():
            fail(f"{file} is not there")
        configs.append((label or file.parent.name, file))
    if len({label for label, _ in configs}) < len(configs):
        fail("two contents have the same label", "--config LABEL=FILE")

    cases = []
    with tempfile.TemporaryDirectory(prefix="platformctl-peers-") as folder:
        wanted = [(label, config, None) for label, config in configs]
        if options.repeat:
            stack, _, count = options.repeat.partition("=")
            wanted.append((f"{count} copies of {stack}", configs[0][1], (stack, int(count))))
        for number, (label, config, copies) in enumerate(wanted):
            case = Case(label, binary, config, Path(folder) / str(number), copies)
            print(f"{label}: {len(case.stacks)} stacks in {case.classes} classes, {case.resources} resources, "
                  "the CDK's templates are ours", file=sys.stderr)
            cases.append({
                "label": label, "ours": case.ours, "stacks": len(case.stacks), "resources": case.resources,
                "rows": measured(case, options.runs, not options.no_cdk_cli),
            })
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    own = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    result = {
        "at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        # Of others: wall times on a busy machine say little, processor times more.
        "load": round(load, 1),
        "file_system": file_system(),
        "versions": {"platformctl": own, "aws-cdk-lib": version("aws-cdk-lib"), "aws-cdk": version("aws-cdk"),
                     "node": node},
        "cases": cases,
        "growth": growth(cases),
        "floor": floor(options.runs),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    text = markdown(result)
    (options.out / "results.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
