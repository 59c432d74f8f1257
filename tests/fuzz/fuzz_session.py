"""Coverage-guided fuzzing of one session, message by message: ``python tests/fuzz/fuzz_session.py -runs=20000``.

Needs atheris (``pip install atheris``). Arguments are libFuzzer's. An input that breaks something is written to
``crash-<hash>``; put it into ``FOUND`` of ``test_connections.py``.
"""

import pathlib
import sys

import atheris

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

with atheris.instrument_imports(include=["wampd"]):
    from tests.fuzz.connections import SEEDS, session
    from tests.fuzz.fuzzing import fuzz

if __name__ == "__main__":
    fuzz("session", session, SEEDS["session"])
