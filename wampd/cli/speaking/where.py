"""Where a user's profiles are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def profiles_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is, if there is one."""
    home = environ.get("XDG_CONFIG_HOME", "")
    base = Path(home) if home.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".config"
    return base / "wampd" / "profiles.yaml"
