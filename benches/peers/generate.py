"""Turns templates that platformctl synthesized into a CDK app that builds the same.

Stacks whose templates differ only in values (names, addresses, the tenant) become one
class with a table of those values, as a person would write it; every other stack becomes
a class of its own. Resources are generic `CfnResource` constructs.
"""

import json
from pathlib import Path

# What a construct of the CDK has a property for, by section of a template.
PARAMETER = {
    "Type": "type", "Default": "default", "Description": "description", "NoEcho": "noEcho",
    "AllowedPattern": "allowedPattern", "AllowedValues": "allowedValues",
    "ConstraintDescription": "constraintDescription", "MaxLength": "maxLength",
    "MinLength": "minLength", "MaxValue": "maxValue", "MinValue": "minValue",
}
SECTIONS = {
    "AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings",
    "Conditions", "Resources", "Outputs",
}


class Unknown(Exception):
    """The template has something that this generator has no construct for."""


def shape(value):
    """The structure of a template without its values."""
    if isinstance(value, dict):
        return tuple((key, shape(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(shape(item) for item in value)
    return type(value).__name__


def leaves(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


class Leaf:
    """A value that differs between the stacks of a class: an expression, not a literal."""

    def __init__(self, index):
        self.index = index


def with_leaves(value, replacements):
    """The template, with each leaf replaced by the next of `replacements`."""
    if isinstance(value, dict):
        return {key: with_leaves(item, replacements) for key, item in value.items()}
    if isinstance(value, list):
        return [with_leaves(item, replacements) for item in value]
    return next(replacements)


def source(value):
    """A value as TypeScript."""
    if isinstance(value, Leaf):
        return f"p[{value.index}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {source(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(source(item) for item in value) + "]"
    return json.dumps(value)


def properties(values, names, where):
    unknown = set(values) - set(names)
    if unknown:
        raise Unknown(f"{where}: {', '.join(sorted(unknown))}")
    return ", ".join(f"{names[key]}: {source(value)}" for key, value in values.items())


def body(template):
    """The statements of a stack's constructor."""
    unknown = set(template) - SECTIONS
    if unknown:
        raise Unknown(f"sections {', '.join(sorted(unknown))}")
    lines = []
    if "AWSTemplateFormatVersion" in template:
        lines.append(f"this.templateOptions.templateFormatVersion = {source(template['AWSTemplateFormatVersion'])};")
    if "Description" in template:
        lines.append(f"this.templateOptions.description = {source(template['Description'])};")
    if "Metadata" in template:
        lines.append(f"this.templateOptions.metadata = {source(template['Metadata'])};")
    for name, parameter in template.get("Parameters", {}).items():
        lines.append(f"new CfnParameter(this, {json.dumps(name)}, {{{properties(parameter, PARAMETER, name)}}});")
    for name, mapping in template.get("Mappings", {}).items():
        lines.append(f"new CfnMapping(this, {json.dumps(name)}, {{mapping: {source(mapping)}}});")
    for name, condition in template.get("Conditions", {}).items():
        lines.append(f"new CfnCondition(this, {json.dumps(name)}, {{expression: {source(condition)} as any}});")
    for name, resource in template["Resources"].items():
        rest = {key: value for key, value in resource.items() if key not in ("Type", "Properties")}
        made = (
            f"new CfnResource(this, {json.dumps(name)}, {{type: {source(resource['Type'])}, "
            f"properties: {source(resource.get('Properties', {}))}}})"
        )
        if rest:
            lines.append(f"const {name}_ = {made};")
            lines += [f"{name}_.addOverride({json.dumps(key)}, {source(value)});" for key, value in rest.items()]
        else:
            lines.append(made + ";")
    names = {"Value": "value", "Description": "description"}
    for name, output in template.get("Outputs", {}).items():
        values = dict(output)
        value = source(values.pop("Value"))
        export = values.pop("Export", None)
        more = properties(values, names, name)
        if export is not None:
            more += (", " if more else "") + f"exportName: {source(export['Name'])}"
        # An output and a resource may have the same name in a template, not in a tree.
        lines.append(
            f"new CfnOutput(this, {json.dumps('Output' + name)}, {{value: {value} as any{', ' + more if more else ''}}})"
            f".overrideLogicalId({json.dumps(name)});"
        )
    return lines


def generate(stacks, folder: Path):
    """Writes `app.ts` and `values.json` for `stacks`: (id, stack name, template)."""
    groups = {}
    for stack in stacks:
        groups.setdefault(shape(stack[2]), []).append(stack)
    classes, made, tables = [], [], []
    for number, group in enumerate(groups.values()):
        rows = [list(leaves(template)) for _, _, template in group]
        columns = list(zip(*rows)) if rows[0] else []
        table, index, replaced = [], {}, []
        for column in columns:
            if all(value == column[0] for value in column):
                replaced.append(column[0])
            else:
                key = json.dumps(column)
                if key not in index:
                    index[key] = len(table)
                    table.append(column)
                replaced.append(Leaf(index[key]))
        template = with_leaves(group[0][2], iter(replaced))
        statements = "\n".join(f"    {line}" for line in body(template))
        classes.append(
            f"class Stack{number} extends Stack {{\n"
            "  constructor(scope: App, id: string, stackName: string, p: any[]) {\n"
            "    super(scope, id, { stackName, synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }) });\n"
            f"{statements}\n  }}\n}}\n"
        )
        made.append(f"for (const [id, stackName, p] of values[{number}]) new Stack{number}(app, id, stackName, p);")
        tables.append(
            [[id_, name, [column[row] for column in table]] for row, (id_, name, _) in enumerate(group)]
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "values.json").write_text(json.dumps(tables))
    (folder / "app.ts").write_text(
        "import { readFileSync } from 'fs';\n"
        "import { join } from 'path';\n"
        "import { App, CfnCondition, CfnMapping, CfnOutput, CfnParameter, CfnResource, "
        "DefaultStackSynthesizer, Stack } from 'aws-cdk-lib';\n\n"
        + "\n".join(classes)
        + "\nconst values: [string, string, any[]][][] = JSON.parse(readFileSync(join(__dirname, 'values.json'), 'utf8'));\n"
        "const app = new App({ analyticsReporting: false, treeMetadata: false });\n"
        + "\n".join(made)
        + "\napp.synth();\n"
    )
    return len(groups)


def pruned(value):
    """Without what is empty: the CDK leaves out empty objects and lists."""
    if isinstance(value, dict):
        items = {key: pruned(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in ({}, [], None)}
    if isinstance(value, list):
        return [pruned(item) for item in value]
    return value


def number(value):
    """JavaScript knows one kind of number, and writes 1.0 as 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def differences(ours, theirs, path=""):
    """Places at which two templates differ."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                yield f"{path}/{key}: only in {'the CDK' if key in theirs else 'platformctl'}'s"
            else:
                yield from differences(ours[key], theirs[key], f"{path}/{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f"{path}/{index}")
    elif json.dumps(number(ours)) != json.dumps(number(theirs)):  # as written: True is not 1
        yield f"{path}: {json.dumps(ours)[:80]} is {json.dumps(theirs)[:80]}"
