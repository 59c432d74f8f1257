"""Coverage-guided fuzzing of the serializers: ``python tests/fuzz/fuzz_codecs.py -runs=100000``.

Needs atheris (``pip install atheris``). Arguments are libFuzzer's. Without a directory to start from it starts from one
sample of each message and what earlier runs added to them. An input that breaks something is written to ``crash-<hash>``;
put it into ``FOUND`` of ``test_codecs.py``.
"""

import pathlib
import sys
import tempfile

import atheris

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

with atheris.instrument_imports(include=["wampd.router.wire"]):
    from tests.fuzz.targets import SEEDS, codecs


def main() -> None:
    arguments = list(sys.argv)
    if all(argument.startswith("-") for argument in arguments[1:]):
        # What one run finds interesting the next one starts from.
        corpus = pathlib.Path(tempfile.gettempdir(), "wampd-fuzz-codecs")
        corpus.mkdir(exist_ok=True)
        for index, seed in enumerate(SEEDS):
            (corpus / f"seed-{index:03}").write_bytes(seed)
        arguments.append(str(corpus))
    atheris.Setup(arguments, codecs)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
