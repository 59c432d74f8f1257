"""Settings of the process: whose it is, what its files look like to others, and where its number is written."""

import grp
import os
import pwd
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from .checker import Here
from .parts import Name, Part, Text
from .problems import did_you_mean, quote, quote_file
from .values import no_directory

LARGEST_UMASK = 0o777


class Process(Part, frozen=True, kw_only=True):
    """The process. Where systemd or a container runs the router, its user is better given there."""

    user: Annotated[
        Name | None,
        Meta(
            description="The user that the router becomes for good, once the TCP endpoints are bound; it must be started as"
            " root for that. All else is done as that user: files of certificates, keys, secrets and principals, and this"
            " one, must be readable to it, and the directory of the store must be its own. `null`: it stays who started it."
        ),
    ] = None
    group: Annotated[
        Name | None, Meta(description="The group that it becomes beside `user`. `null`: that of the user.")
    ] = None
    umask: Annotated[
        Text | None,
        Meta(
            description="Permissions that files of the router and of its components do not get, in octal. `null`: those of"
            " who started it."
        ),
    ] = "077"
    new_privileges: Annotated[
        bool,
        Meta(
            description="Let programs that the router starts become more than it is, as `sudo` and `ping` do"
            " (`PR_SET_NO_NEW_PRIVS` is not set)."
        ),
    ] = False
    pid_file: Annotated[
        Path | None,
        Meta(
            description="The file that holds the number of the process as long as it runs, and is locked by it: who starts"
            " the router a second time is told so."
        ),
    ] = None


def umask_of(process: Process) -> int | None:
    """The mask as a number; `None`: it stays as it is. Raise `ValueError` if it is none."""
    if process.umask is None:
        return None
    mask = int(process.umask, 8)
    if not 0 <= mask <= LARGEST_UMASK:
        raise ValueError("out of range")
    return mask


def process_rules(process: Process, here: Here) -> None:
    """See that the user and the group are there, and that the other things can be."""
    if process.user is not None and here.is_sound("user"):
        users = [each.pw_name for each in pwd.getpwall()]
        if not _is_user(process.user):
            here.problem(f"there is no user {quote(process.user)}{did_you_mean(process.user, users)}", "user")
    if process.group is not None and here.is_sound("group"):
        groups = [each.gr_name for each in grp.getgrall()]
        if process.user is None and here.is_sound("user"):
            here.problem("without user this changes nothing", "group")
        elif not _is_group(process.group):
            here.problem(f"there is no group {quote(process.group)}{did_you_mean(process.group, groups)}", "group")
    try:
        umask_of(process)
    except ValueError:
        here.problem("expected a mask in octal, 000 to 777, such as 077", "umask")
    if process.pid_file is not None and here.is_sound("pid_file"):
        _pid_file(process.pid_file, here)


def _pid_file(file: Path, here: Here) -> None:
    if trouble := no_directory(file.parent):
        here.problem(trouble, "pid_file")
    elif os.path.exists(file) and not os.path.isfile(file):
        here.problem(f"{quote_file(file)} is not a file", "pid_file")


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
