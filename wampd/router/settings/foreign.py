"""As whom the code of others runs while a configuration is checked.

Rules
-----
* What the router is to import is imported once before, in another interpreter, to see whether it can be. Where root checks the
  configuration of a router that is to become an ordinary user, that is done as this user: who may write to the
  code is not to be root by it.

Source: subprocess, ``user``, ``group`` and ``extra_groups``; credentials(7).
"""

import grp
import os
import pwd
from collections.abc import Mapping
from typing import Any

from .nodes import Node, Scalar, Table


def identity(root: Node) -> Mapping[str, Any]:
    """What `subprocess.run` is told of the user that the configuration names (``process.user``); empty: as who this is."""
    process = _under(root, "process")
    user, group = _text(_under(process, "user")), _text(_under(process, "group"))
    if os.geteuid() != 0 or user is None:
        return {}
    try:
        entry = pwd.getpwnam(user)
        gid = entry.pw_gid if group is None else grp.getgrnam(group).gr_gid
    except KeyError:  # which is said where it is looked for
        return {}
    return {} if entry.pw_uid == 0 else as_user(user, entry.pw_uid, gid)


def as_user(name: str, uid: int, gid: int) -> Mapping[str, Any]:
    """What `subprocess.run` is told of a user."""
    return {"user": uid, "group": gid, "extra_groups": os.getgrouplist(name, gid)}


def _under(node: Node | None, key: str) -> Node | None:
    entries = node.entries if isinstance(node, Table) else ()
    return next((value for name, value in entries if name.text == key), None)


def _text(node: Node | None) -> str | None:
    if not isinstance(node, Scalar) or (node.plain and node.text in ("", "null", "~")):
        return None
    return node.text
