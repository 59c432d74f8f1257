"""What a test needs of the system: found, or the test is skipped with a word on what to install; in CI it fails."""

import ctypes
import os
import shutil
import subprocess
from functools import cache
from typing import NoReturn

import pytest

PACKAGES = {
    "cc": "gcc libc6-dev",
    "chromium": "chromium",
    "go": "golang-go",
    "htpasswd": "apache2-utils",
    "jq": "jq",
    "libatomic.so.1": "libatomic1",
    "libseccomp.so.2": "libseccomp2",
    "nginx": "nginx",
    "node": "nodejs npm",
    "npm": "npm",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "systemd-analyze": "systemd",
}
"""The Debian packages that bring a program or a library."""


def in_ci() -> bool:
    """Whether a missing program is a failure."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def unavailable(reason: str) -> NoReturn:
    """Skip the running test, or fail it in CI, where nothing may go untested."""
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def is_there(name: str) -> bool:
    """Whether the system has the program, or the shared library, of that name."""
    if ".so" not in name:
        return shutil.which(name) is not None
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


@cache
def may_unshare() -> bool:
    """Whether we may make namespaces: who is not root may not, nor may root in many a container."""
    tried = subprocess.run(["unshare", "--mount", "--", "true"], stderr=subprocess.DEVNULL, check=False)
    return tried.returncode == 0


def require(*programs: str) -> None:
    """Go on only if all `programs`, on the PATH, or shared libraries such as ``libz.so.1`` are there."""
    missing = [program for program in programs if not is_there(program)]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES.get(program, program) for program in missing))
        unavailable(f"{', '.join(missing)} not found; on Debian, as root: apt-get install {packages}")
    if "unshare" in programs and not may_unshare():
        unavailable("namespaces may not be made here; run the tests as root, in a container with CAP_SYS_ADMIN")
