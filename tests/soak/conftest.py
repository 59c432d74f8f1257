"""Like the benchmark, the soak is not part of the wheel: both packages are made known by their places."""

import importlib.util
import sys
from pathlib import Path

for _name in ("bench", "soak"):
    _folder = Path(__file__).parents[2] / _name
    _spec = importlib.util.spec_from_file_location(
        _name, _folder / "__init__.py", submodule_search_locations=[str(_folder)]
    )
    assert _spec is not None
    assert _spec.loader is not None
    if _name not in sys.modules:
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])
