"""YAML blocks as configurations: a block may be a whole one, or a part that stands where its keys belong.

What a part leaves out is added: a realm ``realm1`` that lets everybody in, a listener. So every block can be checked as
``wampd check`` does it.
"""

from __future__ import annotations

import re
import secrets
import typing
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import yaml

from tests.support.certificates import make_certificate
from wampd.router.settings import Listener, Realm, Settings

REALM = """\
realms:
  - name: realm1
    auth: {anonymous: {role: anonymous}}
    roles:
"""
ROLE = """\
      - name: %s
        permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]
"""
LISTENER = """\
listeners:
  - endpoint: tcp:8080:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    rawsocket: {}
"""


class _Loader(yaml.SafeLoader):
    """Reads the shape of a configuration, whatever is included."""


_Loader.add_multi_constructor("!", lambda _loader, _tag, node: getattr(node, "value", None))


def _realm(text: str) -> str:
    """A realm that lets everybody in, with the roles that the text names."""
    roles = {"anonymous", *re.findall(r"\brole: ([a-z]+)", text)}
    return REALM + "".join(ROLE % role for role in sorted(roles))


def whole(text: str, part: str = "") -> str:
    """The configuration that a block is, or is a part of.

    ``part`` is ``realm`` (an item of ``realms``), ``listener`` or ``http`` (the paths of a listener); else the keys decide.
    Raise `ValueError` if they belong nowhere.
    """
    text = dedent(text)
    value = _mapping(text)
    keys = set(value)
    kind = part or _kind(keys)
    if kind == "settings":
        return text + ("" if "realms" in keys else _realm(text)) + ("" if "listeners" in keys else LISTENER)
    if kind == "realm":
        beginning = "" if "name" in keys else "    name: realm1\n"
        roles = "" if "roles" in keys else "    roles: [{name: anonymous}]\n"
        role = next(iter(value.get("roles") or [{"name": "anonymous"}]))["name"]
        auth = "" if "auth" in keys else f"    auth: {{anonymous: {{role: {role}}}}}\n"
        return f"realms:\n  -\n{beginning}{roles}{auth}{indent(text, '    ')}{LISTENER}"
    if kind == "listener":
        endpoint = "" if "endpoint" in keys else "    endpoint: tcp:8080:interface=127.0.0.1\n"
        return f"{_realm(text)}listeners:\n  -\n{endpoint}{indent(text, '    ')}"
    if kind == "http":
        return f"{_realm(text)}{LISTENER}    http:\n{indent(text, '      ')}"
    raise ValueError(f"part={kind} means nothing")


def _kind(keys: set[str]) -> str:
    for kind, shape in (("settings", Settings), ("realm", Realm), ("listener", Listener)):
        if keys <= set(typing.get_type_hints(shape)):
            return kind
    if all(key.startswith("/") for key in keys):
        return "http"
    raise ValueError(f"the keys belong nowhere: {', '.join(sorted(keys))}")


def _mapping(text: str) -> dict[str, Any]:
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    if not isinstance(value, dict):
        raise ValueError("it is no mapping: say what it is (part=…, or file=…)")
    return value


def make(names: list[str], directory: Path) -> None:
    """Make the files that a configuration refers to: directories end with a slash, certificates with ``.crt``.

    The certificate's key is beside it; any other ``.key`` is the seed of an Ed25519 key. All else is empty, or holds what
    is said: ``NAME=TEXT``.
    """
    for each in names:
        name, _, text = each.partition("=")
        file = directory / name
        (file if name.endswith("/") else file.parent).mkdir(parents=True, exist_ok=True)
        if name.endswith(".crt"):
            make_certificate(file.parent, file.stem)
        elif not file.exists():
            file.write_text(secrets.token_hex(32) if name.endswith(".key") else text, encoding="utf-8")
            file.chmod(0o600)
