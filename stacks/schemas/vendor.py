#!/usr/bin/env python3
"""Copies resource provider schemas out of an installed cfn-lint.

usage: vendor.py SITE_PACKAGES TYPE...
       vendor.py SITE_PACKAGES            (refreshes every schema already here)

SITE_PACKAGES is the folder that holds `cfnlint`, from `pip install cfn-lint==1.58.0`.
"""

import json
import pathlib
import sys

REGION = "us-east-1"  # has every type that any region has
HERE = pathlib.Path(__file__).parent
# What codegen and the planner read. The rest (resource links, handler timeouts,
# transforms) is left where it came from.
KEPT = (
    "typeName",
    "description",
    "properties",
    "definitions",
    "required",
    "readOnlyProperties",
    "writeOnlyProperties",
    "createOnlyProperties",
    "conditionalCreateOnlyProperties",
    "deprecatedProperties",
    "primaryIdentifier",
    "additionalIdentifiers",
    "tagging",
    "taggable",
    "handlers",
)


def file_name(type_name):
    return type_name.lower().replace("::", "-") + ".json"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    source = pathlib.Path(sys.argv[1]) / "cfnlint" / "data" / "schemas"
    index = json.loads((source / "providers" / f"{REGION}.json").read_text())
    types = sys.argv[2:] or [
        json.loads(path.read_text())["typeName"] for path in HERE.glob("aws-*.json")
    ]
    for type_name in types:
        if type_name not in index:
            sys.exit(f"{type_name} is not a type that cfn-lint knows")
        schema = json.loads((source / "resources" / f"{index[type_name]}.json").read_text())
        kept = {key: schema[key] for key in KEPT if key in schema}
        text = json.dumps(kept, indent=1, ensure_ascii=False)
        (HERE / file_name(type_name)).write_text(text + "\n")


main()
