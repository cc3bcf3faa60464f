"""Results as JSON and as Markdown."""

import json

SCENARIOS = {
    "small": "A new repository",
    "wiki, loose": "A wiki of {pages:,} pages, as its writers left it (ours: after `maintain`)",
    "wiki, packed": "A wiki of {pages:,} pages, after `git gc` (ours: after `maintain`)",
}


def write(results, folder):
    part = folder / "results.json.part"
    part.write_text(json.dumps(results, indent=1) + "\n")
    part.rename(folder / "results.json")
    (folder / "results.md").write_text(markdown(results))


def rows(results, **wanted):
    return [row for row in results["results"] if all(row[key] == of for key, of in wanted.items())]


def one(results, **wanted):
    found = rows(results, **wanted)
    return found[0] if found else None


def ordered(values):
    return list(dict.fromkeys(values))


def milliseconds(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def times(value):
    return f"{value:.1f} ×" if value < 100 else f"{value:.0f} ×"


def table(head, lines):
    text = ["| " + " | ".join(head) + " |", "|" + "---|" + "--:|" * (len(head) - 1)]
    return text + ["| " + " | ".join(line) + " |" for line in lines]


def scenario_tables(results, scenario):
    text = []
    # Ours has one state; it is shown with each of theirs.
    own = "wiki, loose" if scenario.startswith("wiki") else scenario

    def found(peer, **wanted):
        return one(results, peer=peer, scenario=own if peer == "ours" else scenario, **wanted)

    places = ordered(row["place"] for row in results["results"])
    peers = ordered(row["peer"] for row in results["results"])
    operations = ordered(row["operation"] for row in rows(results, scenario=scenario))
    for place in places:
        lines = []
        for peer in peers:
            line = [f"{peer} ({results['peers'][peer]})"]
            for operation in operations:
                row = found(peer, place=place, operation=operation)
                cell = f"{milliseconds(row['median_ms'])} / {milliseconds(row['p95_ms'])}" if row else ""
                line.append(cell)
            lines.append(line)
        text += ["", f"**{place}**: median / p95 in ms", ""]
        text += table(["Peer (synced to disk)", *operations], lines)
    counted = next((row["place"] for row in results["results"] if row["counts"]), None)
    if counted is None:
        return text
    lines = []
    for peer in peers:
        line = [peer]
        for operation in operations:
            row = found(peer, place=counted, operation=operation)
            counts = row["counts"] if row else None
            line.append(f"{counts['round_trips']:.1f} ({counts['operations']:.1f})" if counts else "")
        lines.append(line)
    text += ["", "Round trips to the server per operation (requests that the file system saw)", ""]
    text += table(["Peer", *operations], lines)
    return text


GOALS = [
    # Scenario, operations, against whom, by how much at least, of what.
    ("small", "commit, warm", "dulwich, durable", 3, "round_trips"),
    ("small", "commit, cold", "dulwich, durable", 3, "round_trips"),
    ("small", "read, warm", "dulwich, durable", 3, "round_trips"),
    ("small", "read, cold", "dulwich, durable", 3, "round_trips"),
    ("wiki, loose", "commit, warm", "dulwich, durable", 3, "round_trips"),
    ("wiki, loose", "commit, cold", "dulwich, durable", 3, "round_trips"),
    ("wiki, loose", "read, warm", "dulwich, durable", 3, "round_trips"),
    ("wiki, loose", "read, cold", "dulwich, durable", 3, "round_trips"),
    *[
        (scenario, operation, peer, 1, "round_trips")
        for scenario in ("wiki, loose", "wiki, packed")
        for peer in ("libgit2", "gix")
        for operation in ("commit, warm", "commit, cold", "read, warm", "read, cold")
    ],
    *[
        (scenario, operation, peer, least, "median_ms")
        for scenario in ("wiki, loose", "wiki, packed")
        for peer in ("dulwich, durable", "dulwich")
        for operation, least in (
            ("commit, warm", 4), ("commit, cold", 4), ("read, warm", 3), ("read, cold", 3),
        )
    ],
]


def goals(results):
    place = next((row["place"] for row in results["results"] if row["counts"]), None)
    lines = []
    for scenario, operation, peer, least, what in GOALS:
        # Ours has one state of the wiki, which is compared with each of theirs.
        own = "wiki, loose" if scenario.startswith("wiki") else scenario
        ours = one(results, place=place, scenario=own, operation=operation, peer="ours")
        theirs = one(results, place=place, scenario=scenario, operation=operation, peer=peer)
        if not ours or not theirs:
            continue
        value = lambda row: row["median_ms"] if what == "median_ms" else row["counts"]["round_trips"]
        ratio = value(theirs) / value(ours) if value(ours) else float("inf")
        unit = "ms" if what == "median_ms" else "round trips"
        show = (lambda v: milliseconds(v)) if what == "median_ms" else (lambda v: f"{v:.1f}")
        # A difference of a twentieth is none.
        met = ratio >= least if least > 1 else ratio > 1.05
        wanted = f"at least {least} ×" if least > 1 else "fewer"
        lines.append([
            f"{scenario}: {operation}, {unit}", peer, show(value(ours)), show(value(theirs)),
            times(ratio), wanted, "yes" if met else "**no**",
        ])
    if not lines:
        return []
    head = ["What", "Against", "Ours", "Theirs", "Ratio", "Goal", "Met"]
    return ["", f"## Goals, on {place}", "", *table(head, lines)]


def markdown(results):
    machine, versions = results["machine"], results["versions"]
    text = [
        "# Git libraries on a network file system",
        "",
        f"Made {results['made']} on {machine['processors']} × {machine['processor']}, Linux "
        f"{machine['kernel']}, by `benches/peers/git/run`. See [README](../README.md) for what the rows "
        "mean and what is unequal.",
        "",
        ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]
    text += goals(results)
    for scenario, title in SCENARIOS.items():
        if rows(results, scenario=scenario):
            text += ["", "## " + title.format(pages=results["pages"])]
            text += scenario_tables(results, scenario)
    return "\n".join(text) + "\n"
