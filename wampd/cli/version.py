"""``wampd version``: what to write into a bug report."""

import platform

from wampd import __version__

from .words import command, option

COMPANIONS = ("twisted", "msgspec", "cbor2", "websockets", "pyyaml", "pyopenssl")


@command(examples="wampd version\nwampd version --json")
@option("--json", "as_json", is_flag=True, help="print one JSON object")
def version(as_json: bool) -> int:
    """Print the versions of wampd, of Python, and of the libraries that carry it."""
    from importlib import metadata

    companions = {name: metadata.version(name) for name in COMPANIONS}
    if as_json:
        import json

        python = {"implementation": platform.python_implementation(), "python": platform.python_version()}
        machine = {"system": platform.system(), "machine": platform.machine()}
        print(json.dumps({"wampd": __version__, **python, **machine, **companions}))
        return 0
    print(f"wampd {__version__}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} {platform.machine()}")
    for name, its_version in companions.items():
        print(f"{name} {its_version}")
    return 0
