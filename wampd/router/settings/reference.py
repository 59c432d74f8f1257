"""Writes ``docs/configuration.md``: the reference of all keys, from where they are defined.

``python -m wampd.router.settings.reference > docs/configuration.md``
"""

import inspect as python_inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct, inspect

from .model import Settings
from .scalars import BYTES, SECONDS, show_bytes
from .secret import Secret

INTRODUCTION = """\
# Configuration

<!-- Made by `python -m wampd.router.settings.reference`; change the texts there and in wampd/router/settings/. -->

`wampd run FILE` reads one YAML file; without `FILE` it takes `./config.yaml`, and if there is none, the default that
comes with wampd (the same realm on 127.0.0.1:8080, without demo page and components). `wampd check FILE` only says what
is wrong with it. Every problem is reported at once, with file, line, column and key:

```text
config.yaml:5:5: realms[0].rolls: unknown key; did you mean "roles"?
config.yaml:8:25: realms[0].auth.anonymous.role: the realm has no role "anonymos"; did you mean "anonymous"?
```

The exit status then is 2, and nothing is started.

```yaml
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions:
          - uri: com.example.
            match: prefix
            allow: [call, register, publish, subscribe]
      - name: backend
        permissions:
          - {uri: "", match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wamp., match: prefix, allow: [call, subscribe]}
    auth:
      anonymous: {role: anonymous}
      ticket: {}
      principals:
        - {authid: joe, role: backend, ticket: "${JOE_TICKET:-change me}"}
listeners:
  - endpoint: tcp:8080:interface=127.0.0.1
    websocket:
      /ws: {type: wamp}
    rawsocket: {}
```

## How the file is read

* **YAML** is read by the core schema of YAML 1.2: only `true` and `false` are booleans, `on` and `no` are text, and all
  numbers are decimal unless they begin with `0o` or `0x`. Text that looks like a number, a boolean or null must be in
  quotes. Keys must not be repeated. Anchors and aliases may be used, merge keys (`<<`) not.
* **Variables**: in any text, key or number `${NAME}` is the value of an environment variable, `${NAME:-default}` has a
  default for when it is unset or empty, and `$$` is a `$`. The key decides what a value is, in quotes or not:
  `"${PORT}"` is a number where a number is expected. An unset variable without a default is an error.
  `WAMPD_PYTHON` is the Python that runs wampd, unless it is set to something else.
* **Files**: `!include FILE` stands for the content of another YAML file. Paths are relative to the file they are in.
* **Secrets** may be given as `{file: PATH}`; a newline at the end is not part of the secret. Files of secrets and keys
  are refused if other users have any access to them.
* **Seconds** are numbers, or have a unit: SECONDS, as in `10 s`. **Bytes** are whole numbers, or have a unit: BYTES, as
  in `16 MiB`.
* Where a mapping is optional, `{}` turns it on with its defaults, and leaving the key out leaves it out.

The keys follow, part by part; those without a default must be given.
"""


def reference() -> str:
    """Return the whole document."""
    introduction = INTRODUCTION
    for name, units in (("SECONDS", SECONDS), ("BYTES", BYTES)):
        introduction = introduction.replace(name, ", ".join(f"`{unit}`" for unit in units))
    return "\n".join([introduction, *(_section(where, type_) for where, type_ in _parts())])


def _parts() -> Iterator[tuple[str, inspect.StructType]]:
    """Return every struct once, parents before children, with the path of a key that leads there."""
    seen: set[type[Struct]] = set()

    def walk(type_: inspect.Type, where: str, key: str = "PATH") -> Iterator[tuple[str, inspect.StructType]]:
        match type_:
            case inspect.Metadata():
                yield from walk(type_.type, where, (type_.extra or {}).get("key", key))
            case inspect.UnionType():
                for member in type_.types:
                    yield from walk(member, where)
            case inspect.VarTupleType():
                yield from walk(type_.item_type, f"{where}[]")
            case inspect.DictType():
                yield from walk(type_.value_type, f"{where}[{key}]")
            case inspect.StructType() if type_.cls not in seen:
                seen.add(type_.cls)
                yield where, type_
                for field in type_.fields:
                    yield from walk(field.type, f"{where}.{field.encode_name}" if where else field.encode_name)

    yield from walk(inspect.type_info(Settings), "")


def _section(where: str, type_: inspect.StructType) -> str:
    title = f"`{where}`" if where else "The file"
    if type_.tag_field:
        title += f", `{type_.tag_field}: {type_.tag}`"
    lines = [
        f"## {title}\n",
        f"{python_inspect.getdoc(type_.cls)}\n",
        "| key | takes | default | meaning |",
        "|---|---|---|---|",
    ]
    if type_.tag_field:
        lines.append(f"| `{type_.tag_field}` | `{type_.tag}` |  | Chooses what this is. |")
    lines += [_row(field) for field in type_.fields]
    return "\n".join(lines) + "\n"


def _row(field: inspect.Field) -> str:
    type_, extra, description = field.type, {}, ""
    if isinstance(type_, inspect.Metadata):
        extra, description = type_.extra or {}, (type_.extra_json_schema or {}).get("description", "")
        type_ = type_.type
    takes = _takes(type_, extra)
    return f"| `{field.encode_name}` | {takes} | {_default(field)} | {description} |"


def _takes(type_: inspect.Type, extra: Mapping[str, Any]) -> str:
    match type_:
        case inspect.Metadata():
            return _takes(type_.type, {**extra, **(type_.extra or {})})
        case inspect.UnionType():
            members = [member for member in type_.types if not isinstance(member, inspect.NoneType)]
            optional = "" if isinstance(members[0], inspect.StructType) else " or `null`"
            return " or ".join(dict.fromkeys(_takes(member, extra) for member in members)) + optional
        case inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in type_.values)
        case inspect.VarTupleType() | inspect.FrozenSetType():
            return f"list of: {_takes(type_.item_type, {})}"
        case inspect.DictType():
            return f"mapping of names to: {_takes(type_.value_type, {})}"
        case inspect.CustomType():
            return "secret" if type_.cls is Secret else "path"
        case inspect.StructType():
            return "mapping"
        case inspect.AnyType():
            return "any value"
        case inspect.IntType() | inspect.FloatType():
            return _number(type_, extra.get("unit"))
    return "true or false" if isinstance(type_, inspect.BoolType) else "text"


def _number(type_: inspect.IntType | inspect.FloatType, unit: str | None) -> str:
    def show(value: float) -> str:
        return show_bytes(int(value)) if unit == "bytes" else str(value)

    if type_.gt is not None:
        return f"{unit or 'number'}, more than {show(type_.gt)}"
    kind = unit or ("whole number" if isinstance(type_, inspect.IntType) else "number")
    least, most = type_.ge, type_.le
    if least is not None and most is not None:
        return f"{kind}, {show(least)} to {show(most)}"
    if most is not None:
        return f"{kind}, at most {show(most)}"
    return kind if least is None else f"{kind}, at least {show(least)}"


def _default(field: inspect.Field) -> str:
    if field.required:
        return ""
    value = field.default_factory() if field.default is NODEFAULT else field.default
    meta = field.type if isinstance(field.type, inspect.Metadata) else inspect.Metadata(field.type)
    match value:
        case None:
            return "off" if "mapping" in _takes(meta.type, {}) else "`null`"
        case Struct() | dict():
            return "`{}`"
        case bool():
            return f"`{str(value).lower()}`"
        case frozenset():
            return f"`[{', '.join(sorted(map(str, value)))}]`"
        case tuple():
            return f"`[{', '.join(map(str, value))}]`"
        case frozenset():
            return f"`[{', '.join(sorted(map(str, value)))}]`"
        case int() if (meta.extra or {}).get("unit") == "bytes":
            return f"`{show_bytes(value)}`"
        case float():
            return f"`{value:.12g}`"
        case Path():
            return "the directory of the file"
    return f"`{value}`"


if __name__ == "__main__":
    print(reference(), end="")
