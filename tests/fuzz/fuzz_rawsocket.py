"""Coverage-guided fuzzing of RawSocket framing: ``python tests/fuzz/fuzz_rawsocket.py -runs=20000``.

Needs atheris (``pip install atheris``). Arguments are libFuzzer's. An input that breaks something is written to
``crash-<hash>``; put it into ``FOUND`` of ``test_connections.py``.
"""

import pathlib
import sys

import atheris

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

with atheris.instrument_imports(include=["wampd.router.wire"]):
    from tests.fuzz.connections import SEEDS, rawsocket
    from tests.fuzz.fuzzing import fuzz

if __name__ == "__main__":
    fuzz("rawsocket", rawsocket, SEEDS["rawsocket"])
