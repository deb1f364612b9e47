"""Reads what rustdoc writes with `--output-format json`, and says names and types as a reader would write them.

The form changes with Rust's versions. It is read from a Rust that writes `FORMAT`.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The form that is read here, and a Rust that writes it.
FORMAT, RUST = 57, "1.95.0"
RUNNER = """#!/bin/sh
case "$*" in *--crate-name*) RUSTC_BOOTSTRAP=1 exec rustdoc "$@" -Z unstable-options --output-format json ;; esac
exec rustdoc "$@"
"""


def document(crate):
    """What rustdoc says of a crate, in the form that is read here if that can be had."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    data = rustdoc(crate, target)
    return data if data["format_version"] == FORMAT else rustdoc(crate, target / "api", RUST) or data


def rustdoc(crate, target, toolchain=None):
    """Only rustdoc is told to accept unstable options, so that nothing else is built anew."""
    with tempfile.TemporaryDirectory() as folder:
        runner = Path(folder) / "rustdoc"
        runner.write_text(RUNNER)
        runner.chmod(0o755)
        environment = os.environ | {"RUSTDOC": str(runner)} | ({"RUSTUP_TOOLCHAIN": toolchain} if toolchain else {})
        command = ["cargo", "doc", "--quiet", "--no-deps", "--all-features", "--lib", "-p", crate, "--target-dir", target]
        done = subprocess.run(command, cwd=ROOT, env=environment, check=not toolchain)
    return None if done.returncode else json.loads((target / f"doc/{crate.replace('-', '_')}.json").read_text())


def inner(item):
    """The kind of an item, and what is particular to it."""
    return next(iter(item["inner"].items()))


class Document:
    """One crate."""

    def __init__(self, data):
        self.data, self.index = data, data["index"]
        # Where each public item is first met, shortest path first, and the paths of modules.
        self.paths, self.modules = {}, {}
        self.walk()
        self.implementations()

    def item(self, id):
        return self.index.get(str(id))

    def walk(self):
        """Finds the public path of every item."""
        queue = [(self.data["root"], "")]
        for id, path in queue:
            item = self.item(id)
            if item is None or item["crate_id"]:
                continue
            kind, what = inner(item)
            if kind == "module" and path not in self.modules and not path.startswith("guide"):
                self.modules[path] = id
                for child in map(self.item, what["items"]):
                    if child is not None:
                        name = inner(child)[1]["name"] if "use" in child["inner"] else child["name"]
                        queue.append((child["id"], f"{path}::{name}" if path else name))
            elif kind == "use":
                queue.append((what["id"], path))
            elif kind != "module":
                self.paths.setdefault(id, []).append(path)
        for paths in self.paths.values():
            paths.sort(key=lambda path: (path.count("::"), path))

    def implementations(self):
        """Sorts the implementations by what they are shown with: a type, or a trait for types of other crates."""
        self.inherent, self.traits, self.others = {}, {}, {}
        for item in self.index.values():
            kind, what = inner(item)
            if kind != "impl" or item["crate_id"] or what["blanket_impl"] or what["is_synthetic"]:
                continue
            target = what["for"].get("resolved_path", {}).get("id")
            trait = what["trait"]
            if trait is None:
                self.inherent.setdefault(target, []).append(what)
            elif trait["path"].endswith("StructuralPartialEq"):
                continue
            elif target in self.paths:
                self.traits.setdefault(target, []).append(what)
            elif trait["id"] in self.paths:
                self.others.setdefault(trait["id"], []).append(what)
            else:
                for mentioned in resolved(trait):
                    if mentioned in self.paths:
                        self.traits.setdefault(mentioned, []).append(what)

    # Names and types as a reader writes them.

    def name(self, id, written):
        if id in self.paths:
            return self.paths[id][0]
        crate, *modules, name = self.data["paths"].get(str(id), {}).get("path", ["std", written])
        # Where other crates keep a thing is their own affair.
        if crate not in ("std", "core", "alloc"):
            return f"{crate.replace('serde_core', 'serde')}::{name}"
        return f"std::{modules[0]}::{name}" if name in ("Error", "Result") else name

    def ty(self, ty):
        kind, what = next(iter(ty.items())) if isinstance(ty, dict) else (ty, None)
        match kind:
            case "resolved_path":
                return self.path(what)
            case "generic" | "primitive":
                return what
            case "borrowed_ref":
                lifetime = f"{what['lifetime']} " if what["lifetime"] else ""
                return f"&{lifetime}{'mut ' * what['is_mutable']}{self.ty(what['type'])}"
            case "tuple":
                return f"({', '.join(map(self.ty, what))}{',' * (len(what) == 1)})"
            case "slice":
                return f"[{self.ty(what)}]"
            case "array":
                return f"[{self.ty(what['type'])}; {what['len']}]"
            case "impl_trait":
                return f"impl {self.bounds(what)}"
            case "dyn_trait":
                bounds = [self.bound({"trait_bound": each}) for each in what["traits"]]
                return "dyn " + " + ".join(bounds + [what["lifetime"]] * bool(what["lifetime"]))
            case "qualified_path":
                own, trait = self.ty(what["self_type"]), what["trait"]
                is_plain = trait is None or "generic" in what["self_type"]
                return f"{own if is_plain else f'<{own} as {self.path(trait)}>'}::{what['name']}{self.args(what['args'])}"
            case "function_pointer":
                sig = what["sig"]
                return f"fn({', '.join(self.ty(each) for _, each in sig['inputs'])}){self.output(sig['output'])}"
            case _:
                return kind

    def path(self, path):
        return self.name(path["id"], path["path"]) + self.args(path["args"])

    def args(self, args):
        kind, what = next(iter(args.items())) if args else (None, None)
        if kind == "parenthesized":
            return f"({', '.join(map(self.ty, what['inputs']))}){self.output(what['output'])}"
        if kind != "angle_bracketed":
            return ""
        listed = [self.ty(arg["type"]) if "type" in arg else str(arg.get("lifetime", arg)) for arg in what["args"]]
        for each in what["constraints"]:
            binding = each["binding"]
            is_equal = "equality" in binding
            value = f" = {self.ty(binding['equality']['type'])}" if is_equal else f": {self.bounds(binding['constraint'])}"
            listed.append(f"{each['name']}{self.args(each['args'])}{value}")
        return f"<{', '.join(listed)}>" if listed else ""

    def output(self, ty):
        return f" -> {self.ty(ty)}" if ty else ""

    def bound(self, bound):
        if "outlives" in bound:
            return bound["outlives"]
        if "trait_bound" not in bound:
            return str(bound)
        bound = bound["trait_bound"]
        binder = ", ".join(param["name"] for param in bound["generic_params"])
        return f"{f'for<{binder}> ' if binder else ''}{'?' * (bound.get('modifier') == 'maybe')}{self.path(bound['trait'])}"

    def bounds(self, bounds):
        return " + ".join(self.bound(bound) for bound in bounds if "use" not in bound)

    def params(self, generics):
        """Generic parameters in brackets, without those that `impl Trait` stands for."""
        listed = []
        for param in generics["params"]:
            kind, what = next(iter(param["kind"].items()))
            if kind == "type" and not what["is_synthetic"]:
                bounds = self.bounds(what["bounds"])
                default = f" = {self.ty(what['default'])}" if what["default"] else ""
                listed.append(param["name"] + (f": {bounds}" if bounds else "") + default)
            elif kind == "lifetime":
                outlives = " + ".join(what["outlives"])
                listed.append(param["name"] + (f": {outlives}" if outlives else ""))
            elif kind == "const":
                listed.append(f"const {param['name']}: {self.ty(what['type'])}")
        return f"<{', '.join(listed)}>" if listed else ""

    def wheres(self, generics):
        listed = []
        for predicate in generics["where_predicates"]:
            kind, what = next(iter(predicate.items()))
            if kind == "bound_predicate":
                listed.append(f"{self.ty(what['type'])}: {self.bounds(what['bounds'])}")
            elif kind == "lifetime_predicate":
                listed.append(f"{what['lifetime']}: {' + '.join(what['outlives'])}")
        return f" where {', '.join(listed)}" if listed else ""

    def function(self, item):
        what = item["inner"]["function"]
        header, sig, generics = what["header"], what["sig"], what["generics"]
        words = [word for word in ("const", "async", "unsafe") if header[f"is_{word}"]]
        inputs = ", ".join(self.input(name, ty) for name, ty in sig["inputs"])
        start = " ".join([*words, "fn", item["name"]])
        return f"{start}{self.params(generics)}({inputs}){self.output(sig['output'])}{self.wheres(generics)}"

    def input(self, name, ty):
        if name != "self":
            return f"{name}: {self.ty(ty)}"
        if ty == {"generic": "Self"}:
            return "self"
        return self.ty(ty).replace("Self", "self") if "borrowed_ref" in ty else f"self: {self.ty(ty)}"

    def member(self, item):
        """A line for an item of a trait or an implementation."""
        kind, what = inner(item)
        match kind:
            case "function":
                line = self.function(item)
            case "assoc_const":
                line = f"const {item['name']}: {self.ty(what['type'])}"
            case "assoc_type":
                bounds = self.bounds(what["bounds"])
                line = f"type {item['name']}{self.params(what['generics'])}" + (f": {bounds}" if bounds else "")
                line += f" = {self.ty(what['type'])}" if what["type"] else ""
            case _:
                line = f"{kind} {item['name']}"
        return marked(item, line)


def marked(item, line):
    words = ["deprecated"] * bool(item["deprecation"]) + ["non_exhaustive"] * ("non_exhaustive" in item["attrs"])
    kinds = ("struct", "enum", "variant")
    return " ".join([*(words if inner(item)[0] in kinds else words[:bool(item["deprecation"])]), line])


def resolved(value):
    """The ids of all paths in a type."""
    if isinstance(value, dict):
        if "id" in value and "path" in value:
            yield value["id"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from resolved(each)
