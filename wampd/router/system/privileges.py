"""What the process may do: it becomes an ordinary user for good, and nothing that it starts can become more.

Rules
-----
* Groups, group and user are given up in this order, as each needs what the next takes away; real, effective and saved ids are
  all changed, and it is tried whether the way back is closed. What is not as it should be ends the process.
* ``PR_SET_NO_NEW_PRIVS`` is set for ordinary users too: no program started from here gains by set-uid bits.
* After the change ``/proc/self`` is the user's own again (``PR_SET_DUMPABLE``): what was read as root was nothing that the user
  may not read, which whoever calls this sees to.
* The environment says who the user is, and nothing of the directories of who started the router.

Sources: setresuid(2), credentials(7), prctl(2), CERT POS36-C and POS37-C.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import sys
from collections.abc import MutableMapping
from typing import Final

from msgspec import Struct

PR_SET_DUMPABLE: Final = 4
PR_SET_NO_NEW_PRIVS: Final = 38


class NotAllowed(Exception):
    """The process cannot become what it should be; the text says why."""


class Identity(Struct, frozen=True):
    """Who the process is to be."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]
    home: str

    @property
    def is_root(self) -> bool:
        """Whether nothing would be given up."""
        return self.uid == 0


def identity_of(user: str, group: str | None) -> Identity:
    """The identity of a user of this machine, maybe with another group. Raise `NotAllowed` if there is none."""
    try:
        entry = pwd.getpwnam(user)
        gid = entry.pw_gid if group is None else grp.getgrnam(group).gr_gid
    except KeyError as missing:
        raise NotAllowed(str(missing.args[0])) from None
    return Identity(user, entry.pw_uid, gid, frozenset(os.getgrouplist(user, gid)), entry.pw_dir)


def must_change(identity: Identity) -> bool:
    """Whether the process is not that user yet. Raise `NotAllowed` if it cannot become it."""
    if os.getresuid() == (identity.uid,) * 3 and os.getresgid() == (identity.gid,) * 3:
        return False
    if os.geteuid() != 0:
        raise NotAllowed(
            f"only root can become {identity.name}: start wampd as root, or as {identity.name}, or leave process.user out"
        )
    return True


def become(identity: Identity, environ: MutableMapping[str, str]) -> None:
    """Give up everything that the user does not have. Raise `NotAllowed` if anything of it is left."""
    try:
        os.setgroups(sorted(identity.groups))
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    except OSError as error:
        raise NotAllowed(f"cannot become {identity.name}: {error.strerror}") from None
    _verify(identity)
    if sys.platform == "linux":
        _prctl(PR_SET_DUMPABLE, 1)
    environ.update(HOME=identity.home, USER=identity.name, LOGNAME=identity.name)
    environ.pop("XDG_RUNTIME_DIR", None)


def give_up_new_privileges() -> None:
    """See that no program started from here gains privileges. Raise `NotAllowed` if the system cannot."""
    if sys.platform == "linux" and _prctl(PR_SET_NO_NEW_PRIVS, 1) != 0:
        raise NotAllowed("the system cannot keep programs from gaining privileges; process.new_privileges allows it")


def _verify(identity: Identity) -> None:
    if (
        os.getresuid() != (identity.uid,) * 3
        or os.getresgid() != (identity.gid,) * 3
        or not set(os.getgroups()) <= identity.groups | {identity.gid}
    ):
        raise NotAllowed(f"the process is not {identity.name} in all respects")
    if identity.is_root:
        return
    for way_back in (os.setuid, os.setgid, os.seteuid):
        try:
            way_back(0)
        except PermissionError:
            continue
        if way_back is not os.setgid or identity.gid != 0:
            raise NotAllowed(f"the process could become root again after it became {identity.name}")


def _prctl(option: int, value: int) -> int:
    return int(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0))
