"""One import, from file to file.

The result is written beside its place and then put there, with mode 600: it may hold secrets. Its head says where it
comes from and all that was not translated.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from wampd.router.settings import Problem, SettingsError
from wampd.router.settings.problems import show

from .checking import check
from .document import Table
from .drafts import Draft
from .node import document_of
from .reading import Item, read
from .report import Finding, Report, printable
from .writing import write


class Imported:
    """A file that was read and translated."""

    def __init__(self, source: Path, directory: Path | None, target: Path) -> None:
        """Read and translate. Raise `SettingsError` if the input is wrong."""
        self.source = source
        self.report = Report()
        self.draft = Draft(self.report, directory or source.parent, target)
        self._original: Item = read(source)
        self._document: Table = document_of(self._original, self.draft)
        wrong = self.report.of("wrong")
        if wrong:
            raise SettingsError([Problem(each.place, each.path, each.message) for each in wrong])

    @property
    def is_ours(self) -> bool:
        """Whether it was a configuration of wampd all along."""
        keys = {key for key, _ in self._original.items()}
        return "listeners" in keys and not keys & {"workers", "version", "controller"}

    def text(self) -> str:
        """The configuration, with its head."""
        return f"{_head(self)}\n{write(self._document)}"

    def check(self, environ: Mapping[str, str]) -> None:
        """Add to the report what wampd has against the result, in the directory that it is for."""
        with tempfile.NamedTemporaryFile(dir=self.draft.target, prefix=".import-", suffix=".yaml") as file:
            file.write(self.text().encode())
            file.flush()
            check(Path(file.name), self._document, self._original, environ, self.report)

    def save(self, file: Path) -> None:
        """Write the result, for nobody else to read."""
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".import-")  # mode 600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(self.text())
            os.replace(temporary, file)
        except BaseException:
            os.unlink(temporary)
            raise


def _head(imported: Imported) -> str:
    lines = [
        f"Made of {imported.source.name}, a node configuration of Crossbar.io, by wampd import-crossbar.",
        "All keys: docs/configuration.md; what differs: docs/from-crossbar.md",
    ]
    if imported.draft.secrets:
        lines += [
            "There are secrets in this file. Keep it from others (mode 600), or put them elsewhere: {file: PATH}, ${NAME}."
        ]
    for title, kind in (("Not translated, or not ready yet:", "lost"), ("Good to know:", "note")):
        found = imported.report.of("lost" if kind == "lost" else "note")
        if found:
            lines += ["", title, *(f"* {_line(each)}" for each in found)]
    return "".join(f"# {printable(line)}".rstrip() + "\n" for line in lines)


def _line(finding: Finding) -> str:
    return f"line {finding.place.line}, {show(finding.path) or 'the file'}: {finding.message}"
