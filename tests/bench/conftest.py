"""The harness is not part of the wheel: the package ``bench`` is made known by its place, and nothing else of the checkout."""

import importlib.util
import sys
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "bench"
_spec = importlib.util.spec_from_file_location(
    "bench", _FOLDER / "__init__.py", submodule_search_locations=[str(_FOLDER)]
)
assert _spec is not None
assert _spec.loader is not None
if "bench" not in sys.modules:
    sys.modules["bench"] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules["bench"])
