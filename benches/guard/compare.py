"""Runs cfn-guard and platformctl on the same templates, in turns, and compares.

Usage: compare.py CFN_GUARD PLATFORMCTL RULES TEMPLATES [RUNS]

Each runs three times unless told, one after the other; the best time of each counts, since what
else the machine does only adds to it. Processor time is of all threads together.
Verdicts are compared by template and rule. platformctl folds intrinsic functions before
it asks the rules and cfn-guard does not, so that verdicts on `Fn::Sub: "*"` and the like
may differ; each difference is listed. Templates with one are then given to cfn-guard
again, with `Fn::Sub` and `Fn::Join` of constants folded: what differs still is a fault.
"""

import collections
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml


def run(command):
    """Wall-clock and processor seconds, and stdout."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 4, 19):
        sys.exit(f"{command[0]} failed ({done.returncode}): {done.stderr.decode()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, done.stdout


def verdicts_of_guard(text):
    found = {}
    for report in json.loads(text):
        stack = pathlib.Path(report["name"]).stem
        for rule in report["compliant"]:
            found[stack, rule] = "PASS"
        for rule in report["not_applicable"]:
            found[stack, rule] = "SKIP"
        for rule in report["not_compliant"]:
            found[stack, rule["Rule"]["name"]] = "FAIL"
    return found


def verdicts_of_platformctl(text):
    found = {}
    for suite in xml.fromstring(text).iter("testsuite"):
        for case in suite.iter("testcase"):
            rule = case.get("name").replace("-", "_")
            skipped = case.find("skipped")
            message = skipped.get("message", "") if skipped is not None else ""
            if case.find("failure") is not None or message.startswith(("warning:", "note:")):
                verdict = "FAIL"
            elif skipped is not None:
                verdict = "SKIP"
            else:
                verdict = "PASS"
            found[suite.get("name"), rule] = verdict
    return found


def known(value):
    """Text for a value in `Fn::Sub`; references stay references."""
    if isinstance(value, dict) and isinstance(value.get("Ref"), str):
        return "${" + value["Ref"] + "}"
    return value if isinstance(value, str) else None


def folded(value):
    """The value with those functions folded that depend on nothing."""
    if isinstance(value, list):
        return [folded(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {name: folded(item) for name, item in value.items()}
    if len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Fn::Sub" and isinstance(argument, str):
            return argument
        if function == "Fn::Sub" and all(known(it) for it in argument[1].values()):
            for name, it in argument[1].items():
                argument[0] = argument[0].replace("${" + name + "}", known(it))
            return argument[0]
        if function == "Fn::Join" and all(isinstance(part, str) for part in argument[1]):
            return argument[0].join(argument[1])
    return value


def refolded(guard, rules, templates, stacks):
    """What cfn-guard says of the folded templates of these stacks."""
    with tempfile.TemporaryDirectory() as folder:
        for path in pathlib.Path(templates).iterdir():
            if path.stem in stacks:
                text = json.dumps(folded(json.loads(path.read_text())))
                (pathlib.Path(folder) / path.name).write_text(text)
        command = [guard, "validate", "--rules", *rules, "--data", folder,
                   "--structured", "--output-format", "json", "--show-summary", "none"]
        return verdicts_of_guard(run(command)[2])


def main(guard, platformctl, rules, templates, runs="3"):
    files = sorted(str(path) for path in pathlib.Path(templates).iterdir())
    rules = sorted(str(path) for path in pathlib.Path(rules).glob("*.guard"))
    theirs = [guard, "validate", "--rules", *rules, "--data", templates,
              "--structured", "--output-format", "json", "--show-summary", "none"]
    ours = [platformctl, "check", "-q", "-o", "junit", "--template", *files]
    times = collections.defaultdict(list)
    for _ in range(int(runs)):
        *spent, guard_text = run(theirs)
        times["cfn-guard 3.2.1"].append(spent)
        *spent, our_text = run(ours)
        times["platformctl"].append(spent)
    best = {name: [min(column) for column in zip(*spent)] for name, spent in times.items()}
    print(f"{len(files)} distinct templates, {len(rules)} rule files, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}")
    for name, (wall, cpu) in best.items():
        print(f"  {name:16} {wall:6.2f} s   {cpu:6.2f} s of processor time   "
              f"{len(files) / wall:6.0f} templates/s")
    wall, cpu = (a / b for a, b in zip(best["cfn-guard 3.2.1"], best["platformctl"]))
    print(f"  ratio            {wall:5.1f}×     {cpu:5.1f}×")

    expected = verdicts_of_guard(guard_text)
    # Rules that are code have no counterpart.
    found = verdicts_of_platformctl(our_text)
    differing = collections.Counter()
    places = [place for place, verdict in expected.items() if found.get(place) != verdict]
    for stack, rule in places:
        differing[rule, expected[stack, rule], found.get((stack, rule))] += 1
    same = len(expected) - sum(differing.values())
    print(f"verdicts: {same} of {len(expected)} equal")
    for (rule, theirs, ours), number in sorted(differing.items()):
        print(f"  {number} times {rule}: cfn-guard {theirs}, platformctl {ours}")
    if places:
        again = refolded(guard, rules, templates, {stack for stack, _ in places})
        faults = [place for place in places if again[place] != found.get(place)]
        print(f"  of these {len(faults)} differ still where cfn-guard sees folded templates")
        if faults:
            sys.exit(f"not explained: {sorted(faults)[:10]}")


main(*sys.argv[1:])
