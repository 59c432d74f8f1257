"""Coverage-guided fuzzing of one target; the programs beside this one are its names. Needs atheris."""

from __future__ import annotations

import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterable

import atheris


def fuzz(name: str, target: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Run libFuzzer with our arguments; without a directory among them, from the seeds and what earlier runs added."""
    arguments = list(sys.argv)
    if all(argument.startswith("-") for argument in arguments[1:]):
        corpus = pathlib.Path(tempfile.gettempdir(), f"wampd-fuzz-{name}")
        corpus.mkdir(exist_ok=True)
        for index, seed in enumerate(seeds):
            (corpus / f"seed-{index:03}").write_bytes(seed)
        arguments.append(str(corpus))
    atheris.Setup(arguments, target)
    atheris.Fuzz()
