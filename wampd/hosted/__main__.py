"""Runs a hosted component: ``python …/wampd/hosted/__main__.py NAME``, which wampd does.

The name is for those who look at the list of processes; all else comes in the environment (`description`). SIGUSR2 prints
where all threads of the process are, on standard error.
"""

import faulthandler
import importlib.util
import os
import signal
import sys

NAME = "_wampd_hosted"
"""Of this package, where wampd itself need not be installed. Nothing of a component's has such a name."""


def _package() -> None:
    """Load the package that this file belongs to, wherever it is."""
    directory = os.path.dirname(os.path.abspath(__file__))
    first = os.path.join(directory, "__init__.py")
    spec = importlib.util.spec_from_file_location(NAME, first, submodule_search_locations=[directory])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)


def main() -> int:
    """Run the component; return the exit status."""
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR2, all_threads=True)
    _package()
    status: int = importlib.import_module(NAME + ".running").run()
    return status


if __name__ == "__main__":
    sys.exit(main())
