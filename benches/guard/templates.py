"""Makes distinct CloudFormation templates out of synthesized ones.

Usage: templates.py FOLDER COUNT FILE...

Each template takes one of the JSON files in turn. Its logical ids, descriptions, tags and
policy statements get a suffix of their own, so that nothing that a rule looks at is the same
in two templates. One in five gets a violation, of one of five kinds: rules that pass and rules that
fail cost differently.
"""

import json
import pathlib
import re
import sys


def renamed(value, ids, suffix):
    """`value` with every logical id, and every reference to one, renamed."""
    if isinstance(value, list):
        return [renamed(item, ids, suffix) for item in value]
    if isinstance(value, str):
        def reference(found):
            return f"${{{found[1]}{suffix}" if found[1] in ids else found[0]
        return re.sub(r"\$\{(\w+)", reference, value)
    if not isinstance(value, dict):
        return value
    changed = {}
    for key, item in value.items():
        if key == "Ref" and item in ids:
            changed[key] = item + suffix
        elif key == "Fn::GetAtt" and isinstance(item, list) and item[0] in ids:
            changed[key] = [item[0] + suffix, *item[1:]]
        elif key == "DependsOn":
            names = [item] if isinstance(item, str) else item
            changed[key] = [name + suffix if name in ids else name for name in names]
        elif key in ("Description", "Value", "Sid") and isinstance(item, str):
            changed[key] = item + suffix
        else:
            changed[key] = renamed(item, ids, suffix)
    return changed


def violated(resource, kind):
    """Breaks one rule, where the resource is of its type."""
    properties = resource.get("Properties", {})
    if kind == 0 and resource["Type"] == "AWS::EFS::FileSystem":
        properties["Encrypted"] = False
    elif kind == 1 and resource["Type"] == "AWS::Logs::LogGroup":
        properties.pop("RetentionInDays", None)
    elif kind == 2 and resource["Type"] == "AWS::IAM::Role":
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                statement["Action"] = "*"
    elif kind == 3:
        properties.pop("Tags", None)
    elif kind == 4 and resource["Type"] == "AWS::S3::Bucket":
        properties.pop("PublicAccessBlockConfiguration", None)


def main(folder, count, *files):
    sources = [json.loads(pathlib.Path(file).read_text()) for file in files]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(int(count)):
        source = sources[number % len(sources)]
        ids = set(source["Resources"])
        suffix = f"N{number:03}"
        template = renamed(source, ids, suffix)
        template["Resources"] = {
            name + suffix: resource for name, resource in template["Resources"].items()
        }
        if number % 5 == 0:
            for resource in template["Resources"].values():
                violated(resource, number // 5 % 5)
        path = folder / f"stack-{number:03}.json"
        path.write_text(json.dumps(template, indent=1))


main(*sys.argv[1:])
