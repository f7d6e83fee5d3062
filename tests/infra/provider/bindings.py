"""Generates `google-6.50.0.json`: the schemas of the types of Google's provider that `infra/` uses.

This needs neither the provider nor its registry. `@cdktf/provider-google` on npm has bindings that
were generated from the provider's schema; their comments and getters contain all of it. Run this
after `infra/` starts to use a type that the file does not have:

    npm pack @cdktf/provider-google@16.12.1
    scripts/local/python -m tests.infra.provider.bindings cdktf-provider-google-16.12.1.tgz

Source: https://github.com/cdktf/cdktf-provider-google (generated from hashicorp/google 6.50.0)
"""

import json
import re
import sys
import tarfile
from base64 import b64decode
from collections.abc import Iterable, Iterator

from scripts.root import ROOT
from tests.infra.configuration import used_types
from tests.infra.provider.schema import SCHEMAS, Type, Values

_FLAGS = re.MULTILINE | re.DOTALL
_CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}", _FLAGS)
_ATTRIBUTE = re.compile(
    r"^  // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n"
    r"(.*?)(?=^  // \w+ - |^  // =|\Z)",  # ends at the next attribute or headline
    _FLAGS,
)
_INTERFACE = re.compile(r"^export interface (\w+)[^{]*\{\n(.*?)^\}", _FLAGS)
_DOCUMENTED = re.compile(r"/\*\*(.*?)\*/\s*readonly \w+", re.DOTALL)
_CHOICE = re.compile(r"Possible values: (\[\\?\".+?\"\])")
_GETTER = re.compile(r"this\.get(\w+)Attribute\('")
_NESTED = re.compile(r" = new (\w+)\(this, \"\w+\"(?:, (true|false))?\)")
_RESOURCE_TYPE = re.compile(r"static readonly tfResourceType = \"(\w+)\"")
_PRIMITIVE: dict[str, Type] = {"String": "string", "Number": "number", "Boolean": "bool"}
_COLLECTION: dict[str, Type] = {
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
}
# The provider's settings have no getters, so this maps their declared types. Settings of other
# types and the URLs of emulators are omitted: `infra/` does not use them.
_DECLARED: dict[str, Type] = {
    "string": "string",
    "number": "number",
    "boolean | cdktf.IResolvable": "bool",
    "string[]": ["list", "string"],
    "{ [key: string]: string }": ["map", "string"],
}


class Bindings:
    """The classes of one source file. A class and the classes in it form a schema."""

    def __init__(self, source: str) -> None:
        self._bodies = {name: body for name, _, body in _CLASS.findall(source)}
        self._base = {name: base for name, base, _ in _CLASS.findall(source)}
        self._interfaces = dict(_INTERFACE.findall(source))

    def schema_of(self, kind: str) -> Values:
        """Return the schema of the one class that extends `kind`."""
        [name] = [name for name, base in self._base.items() if base == kind]
        return self._block(name)

    def _block(self, name: str) -> Values:
        attributes: Values = {}
        blocks: Values = {}
        choices = self._choices(name)
        for attribute, computed, optional, required, code in _ATTRIBUTE.findall(self._bodies[name]):
            is_settable = "true" in (optional, required)
            nested = _NESTED.search(code)
            if nested and nested[1] in self._bodies and is_settable:
                blocks[attribute] = self._nested(attribute, nested, is_required=required == "true")
            else:
                flags = {"required": required, "optional": optional, "computed": computed}
                how = " ".join(flag for flag, value in flags.items() if value == "true")
                attributes[attribute] = [self._type(code), how]
                if attribute in choices:
                    attributes[attribute].append(choices[attribute])
        return (
            {"attributes": attributes, "blocks": blocks} if blocks else {"attributes": attributes}
        )

    def _choices(self, class_: str) -> dict[str, list[str]]:
        """Return the allowed values of attributes whose documentation lists them."""
        interface = class_.removesuffix("OutputReference")
        body = self._interfaces.get(f"{interface}Config") or self._interfaces.get(interface, "")
        found = {}
        for text in _DOCUMENTED.findall(body):
            choice = _CHOICE.search(text)
            if choice and (name := re.search(r"#(\w+) \w+#", text)):
                found[name[1]] = json.loads(choice[1])
        return found

    def _nested(self, attribute: str, match: re.Match[str], *, is_required: bool) -> Values:
        class_, is_set = match.groups()
        is_many = self._base[class_] == "ComplexList"
        nesting = "single" if attribute == "timeouts" else "set" if is_set == "true" else "list"
        return {
            "nesting": nesting,
            "min": int(is_required),
            "max": 0 if is_many or nesting == "single" else 1,
            **self._block(self._element(class_)),
        }

    def _element(self, class_: str) -> str:
        is_many = self._base[class_] == "ComplexList"
        return class_.removesuffix("List") + "OutputReference" if is_many else class_

    def _type(self, code: str) -> Type | None:
        if (nested := _NESTED.search(code)) and nested[1] in self._bodies:
            fields = self._block(self._element(nested[1]))["attributes"]
            element = ["object", {name: type_ for name, (type_, *_) in fields.items()}]
            return ["set" if nested[2] == "true" else "list", element]
        if "new cdktf." in code:
            [kind] = re.findall(r"new cdktf\.(\w+)\(", code)
            return _COLLECTION[kind]
        if getter := _GETTER.search(code):
            is_set = "cdktf.Fn.tolist(" in code
            type_ = _PRIMITIVE.get(getter[1]) or _COLLECTION[getter[1]]
            return ["set", type_[1]] if is_set else type_
        [declared] = re.findall(
            r"^  private _\w+\??: (.+?)(?: \| undefined)?; *$", code, re.MULTILINE
        )
        return _DECLARED.get(declared)


def sources(archive: tarfile.TarFile) -> Iterator[str]:
    """Yield the TypeScript source of every type. Only the source maps have it with comments."""
    for member in archive:
        if re.fullmatch(r"package/lib/[^/]+/index\.js", member.name):
            file = archive.extractfile(member)
            assert file is not None
            _, _, source_map = file.read().decode().rpartition(";base64,")
            yield from json.loads(b64decode(source_map or "e30=")).get("sourcesContent", [])


def read(texts: Iterable[str], resources: set[str], data_sources: set[str]) -> Values:
    """Return the schemas of the provider and of these types.

    Raises:
        ValueError: The bindings do not have one of the types.
    """
    provider: Values = {}
    found: dict[str, Values] = {"resources": {}, "data_sources": {}}
    groups = {
        "TerraformResource": ("resources", resources),
        "TerraformDataSource": ("data_sources", data_sources),
    }
    for text in texts:
        for kind, (group, names) in groups.items():
            name = _RESOURCE_TYPE.search(text)
            if name and name[1] in names and f" extends cdktf.{kind} " in text:
                found[group][name[1]] = Bindings(text).schema_of(kind)
        if " extends cdktf.TerraformProvider " in text:
            provider = Bindings(text).schema_of("TerraformProvider")
            provider["attributes"] = {
                name: attribute
                for name, attribute in provider["attributes"].items()
                if attribute[0] is not None and not name.endswith("_endpoint") and name != "alias"
            }
    if missing := (resources | data_sources) - {*found["resources"], *found["data_sources"]}:
        raise ValueError(f"the bindings do not have {', '.join(sorted(missing))}")
    return {"provider": {"google": provider}, **found}


def format_json(schemas: Values) -> str:
    """Return JSON with one line per type, for readable diffs."""
    groups = []
    for group, types in schemas.items():
        lines = (f'    "{name}": {json.dumps(types[name])}' for name in sorted(types))
        groups.append(f'  "{group}": {{\n' + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(groups) + "\n}\n"


def main() -> None:
    """Write the file from the archive given on the command line."""
    with tarfile.open(sys.argv[1]) as archive:
        schemas = read(sources(archive), *used_types(ROOT / "infra"))
    SCHEMAS.write_text(format_json(schemas))
    print(f"wrote {SCHEMAS.relative_to(ROOT)}: {SCHEMAS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
