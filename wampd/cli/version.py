"""``wampd version``: what to write into a bug report."""

import platform
from importlib import metadata

from wampd import __version__

COMPANIONS = ("twisted", "msgspec", "cbor2", "websockets", "pyyaml", "pyopenssl")


def version() -> int:
    """Print the versions of wampd, of Python, and of the libraries that carry it."""
    print(f"wampd {__version__}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}")
    for name in COMPANIONS:
        print(f"{name} {metadata.version(name)}")
    return 0
