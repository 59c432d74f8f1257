"""Objects that a configuration names: callables and classes in somebody's modules.

Rules
-----
* A module is imported in the router itself only when the router runs. Before that, while the configuration is checked, another
  interpreter does it (`trouble_with`): a module may import Twisted's reactor, start threads, or take the process down.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

PATIENCE: Final = 30.0
"""Seconds that an import may take while it is checked."""
_MARK: Final = "wampd says: "
_CHECK: Final = f"""
import sys, json
sys.path[:] = json.loads(sys.argv[1])
from wampd.router.objects import Unusable, find
try:
    find(sys.argv[2], sys.argv[3])
    said = ""
except Unusable as why:
    said = str(why)
print({_MARK!r} + json.dumps(said))
"""


class Unusable(Exception):
    """There is no such object; the text says why."""


def find(module: str, name: str, directory: Path | None = None) -> Any:
    """Import an object that can be called. Raise `Unusable`."""
    if directory is not None and str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as why:
        raise Unusable(f"cannot import {module}: there is no module {why.name}") from why
    except (Exception, SystemExit) as why:
        raise Unusable(f"cannot import {module}: {type(why).__name__}: {why}") from why
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise Unusable(f"{module} has {'nothing' if found is None else 'no callable'} of the name {name}")
    return found


def trouble_with(
    module: str, name: str, directory: Path | None = None, identity: Mapping[str, Any] = MappingProxyType({})
) -> str | None:
    """Tell why an object cannot be used, if it cannot, without importing anything here.

    ``identity``: as whom it is imported (`wampd.router.settings.foreign`).
    """
    path = [*([str(directory)] if directory is not None else []), *sys.path]
    command = [sys.executable, "-P", "-c", _CHECK, json.dumps(path), module, name]
    try:
        done = subprocess.run(  # noqa: S603 - what is configured is to run in the router anyway
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            **identity,
        )
    except OSError as error:
        return f"it cannot be seen whether {module} can be imported: {error.filename}: {error.strerror}"
    except subprocess.TimeoutExpired:
        return f"importing {module} takes longer than {PATIENCE:.0f} s"
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK)) or None
    return f"importing {module} ends the interpreter, with status {done.returncode}"
