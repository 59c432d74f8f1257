"""Uploads: files that clients send, written to a directory while they come.

Rules
-----
* ``PUT BASE/NAME`` brings the file of that name, as the body; ``POST BASE`` a file that gets a name, or the files of
  a form (``multipart/form-data``). The answer is 201 (200 if a file was replaced) and says in JSON what is there now.
* A name is a name: letters, digits, ``._ -`` and the like, not beginning with a dot or a space, and never a path. With drawn
  names only the ending of a client's name is kept.
* What is there is never overwritten, unless it may be: 409. All files of one form are there at the
  end, or, unless they may be overwritten, none is.
* Limits: bytes of a body (413), files of a form (400), types (415), uploads at a time (503), room on the disk (507).
* The answer comes when everything is on the disk. The client waits while the disk is slower than it is.
* Every upload has an id, its own choice (``Upload-Id``) or drawn, by which others hear of its progress: ``started``,
  ``progress``, ``finished`` or ``failed``, at most every `EVERY` seconds.

Source: RFC 9110; RFC 7578 (forms).
"""

from __future__ import annotations

import errno
import re
import secrets
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.router.http.answer import give, say, say_json
from wampd.router.http.body import LEAST_RATE, Intake
from wampd.router.http.uploads.multipart import Malformed, Multipart
from wampd.router.http.uploads.spool import Disk, NoRoom, Room, Spool, sweep, sync
from wampd.router.http.uploads.wanted import Unfit, check_whole, must_be_new

log = Logger()

HIGH: Final = 512 * 1024
"""Bytes that wait for the disk before the client has to."""
LOW: Final = 128 * 1024
EVERY: Final = 0.5
"""Seconds between two events of progress."""
STEP: Final = 0.05
"""Part of the whole that is news; what is slower is news after `SLOW` seconds."""
SLOW: Final = 5.0
_NAME: Final = re.compile(r"(?![. ])[\w.,;!@#$()+=\[\]{}'&~ -]{1,200}(?<![. ])")
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
RETRY: Final = b"5"
"""Seconds."""
_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")
FORM: Final = "multipart/form-data"

Tell = Callable[[str, Mapping[str, Any]], None]
"""Is told of an upload: what happened, and what is known of it."""


class UploadRules(Struct, frozen=True, kw_only=True):
    """What may be uploaded."""

    directory: Path
    size: int
    """Most bytes of one body."""
    files: int = 10
    types: tuple[str, ...] = ("*",)
    """Patterns of types, in lower case."""
    drawn: bool = False
    """Whether names are drawn."""
    overwrite: bool = False
    concurrent: int = 16
    keep_free: int = 0
    rate: int = LEAST_RATE
    """Bytes a second."""


class Upload(Resource):
    """Takes the uploads of one path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, rules: UploadRules, disk: Disk, clock: Any, tell: Tell = lambda _, __: None) -> None:
        """``clock`` is an ``IReactorTime``."""
        super().__init__()
        self.rules = rules
        self.disk = disk
        self.clock = clock
        self.tell = tell
        self._under_way = 0
        self._swept = False

    def intake(self, request: Any) -> Intake:  # noqa: ARG002 - all are alike
        """Bodies are taken while they come."""
        return Intake(size=self.rules.size, rate=self.rules.rate)

    def render(self, request: Any) -> Any:
        """Take an upload; the answer comes when it is there."""
        try:
            incoming = Incoming(self, request, *self._asked(request))
        except Unfit as why:
            return say(request, why.status, why.text)
        self._sweep()
        self._under_way += 1
        request.body.into(incoming)
        return NOT_DONE_YET

    def ended(self) -> None:
        """An upload is over."""
        self._under_way -= 1

    def _asked(self, request: Any) -> tuple[str | None, str]:
        """What the file is to be called (`None`: it has no name), and what type the body has."""
        kind = (request.getHeader(b"content-type") or b"application/octet-stream").decode("latin-1").strip()
        name = self._name(request)
        check_whole(request)
        if self._under_way >= self.rules.concurrent:
            request.setHeader(b"Retry-After", RETRY)
            raise Unfit(503, "too many uploads at a time")
        return name, kind

    def _name(self, request: Any) -> str | None:
        below = [part for part in request.postpath if part]
        if len(below) > 1 or request.method not in (b"PUT", b"POST") or (request.method == b"PUT") != bool(below):
            return self._elsewhere(request, below)
        if request.method == b"POST":
            return None
        if self.rules.drawn:
            request.setHeader(b"Allow", b"POST")
            raise Unfit(405, "names are drawn here: POST it")
        try:
            name = below[0].decode()
        except UnicodeDecodeError:
            raise Unfit(400, "that is no name") from None
        return checked(name)

    def _elsewhere(self, request: Any, below: list[bytes]) -> str | None:
        if len(below) > 1:
            raise Unfit(404, "nothing is here")
        request.setHeader(b"Allow", b"PUT" if below else b"POST")
        raise Unfit(405, "PUT a file by its name, or POST one")

    def _sweep(self) -> None:
        if not self._swept:
            self._swept = True
            self.disk.run(sweep, self.rules.directory).addErrback(
                lambda why: log.failure("what old uploads have left cannot be removed", why)
            )


class Incoming:
    """One upload: a sink of a body, and the files of a form."""

    def __init__(self, upload: Upload, request: Any, name: str | None, kind: str) -> None:
        self._upload = upload
        self._rules = upload.rules
        self._is_new = must_be_new(request)
        self._overwrite = self._rules.overwrite and not self._is_new
        self._request = request
        self._spools: list[tuple[str, Spool, str]] = []
        self._over = False
        shown = request.getHeader(b"upload-id")
        if shown is not None and not _ID.fullmatch(shown):
            raise Unfit(400, "an Upload-Id is of letters, digits, - and _")
        self.id = shown.decode() if shown else secrets.token_urlsafe(12)
        self._told_at = upload.clock.seconds()
        self._told_size = 0
        self._begun = False
        self._form: Multipart | None = None
        plain = kind.partition(";")[0].strip().lower()
        if plain == FORM and request.method == b"POST":
            try:
                self._form = Multipart(kind, self, self._rules.files)
            except Malformed:
                raise Unfit(400, "the form names no boundary") from None
        else:
            self.file(name or "", plain)

    # ------------------------------------------------------------------------------------------------- as a sink

    def write(self, data: bytes) -> None:
        """A part of the body."""
        if self._over:
            return
        try:
            if self._form is not None:
                self._form.write(data)
            else:
                self.data(data)
        except Malformed:
            self.fail(Unfit(400, "that is no form, or one of too much"))
            return
        except Unfit as why:
            self.fail(why)
            return
        if sum(spool.waiting for _, spool, _ in self._spools) > HIGH:
            self._request.body.pause()
        self._progress()

    def finish(self) -> None:
        """All of it is there."""
        if self._over:
            return
        try:
            if self._form is not None:
                self._form.finish()
        except Malformed:
            self.fail(Unfit(400, "the form has no end"))
            return
        if not self._spools:
            self.fail(Unfit(400, "the form has no file"))
            return
        keeping: Deferred[None] = self._keep()
        keeping.addErrback(self._failed)

    def lost(self, why: str) -> None:
        """The rest will not come."""
        if not self._over:
            self._end()
            self._tell("failed", reason=why)

    # ---------------------------------------------------------------------------------------------- as one of files

    def file(self, name: str, kind: str) -> None:
        """A file begins."""
        if not any(fnmatchcase(kind.lower(), pattern) for pattern in self._rules.types):
            raise Unfit(415, "files of this type are not taken")
        if self._rules.drawn or not name:
            ending = _ENDING.fullmatch(Path(name).suffix)
            chosen = secrets.token_urlsafe(16).replace("-", "x") + (ending[0].lower() if ending else "")
        else:
            chosen = checked(name)
        if any(chosen == other for other, _, _ in self._spools):
            raise Unfit(400, "two files have the same name")
        key = f"{secrets.token_hex(8)}-{len(self._spools)}"
        announced = (self._request.body.length or 0) if self._form is None else 0
        room = Room(self._rules.keep_free, announced, None if self._overwrite else chosen)
        spool = Spool(self._upload.disk, self._rules.directory, key, room, self._moved)
        self._spools.append((chosen, spool, kind))

    def data(self, data: bytes) -> None:
        """A part of the file."""
        self._spools[-1][1].write(data)

    def end(self) -> None:
        """The file is there; it is closed with all others."""

    # --------------------------------------------------------------------------------------------------- in the end

    def _moved(self, why: Failure | None) -> None:
        """Something was written, or could not be."""
        if self._over:
            return
        if why is not None:
            self._failed(why)
        elif sum(spool.waiting for _, spool, _ in self._spools) < LOW:
            self._request.body.resume()

    @inlineCallbacks
    def _keep(self) -> Any:
        for _, spool, _ in self._spools:
            yield spool.close()
        if self._over:
            return
        named = [(name, spool) for name, spool, _ in self._spools]
        replaced = yield self._upload.disk.run(keep, self._rules.directory, named, self._overwrite)
        self._over = True
        self._upload.ended()
        files = [{"name": name, "size": spool.size, "type": kind} for name, spool, kind in self._spools]
        self._tell("finished", files=files)
        if self._request.channel is not None:
            if len(files) == 1 and self._request.method == b"POST":
                below = [quote(part) for part in (*self._request.prepath, named[0][0])]
                self._request.setHeader(b"Location", "/".join(["", *below]).encode())
            give(self._request, say_json(self._request, 200 if replaced else 201, {"id": self.id, "files": files}))

    def _failed(self, why: Failure) -> None:
        if why.check(FileExistsError, IsADirectoryError):
            self.fail(Unfit(412 if self._is_new else 409, "there is a file of this name"))
        elif why.check(NoRoom) or (isinstance(why.value, OSError) and why.value.errno in FULL):
            log.warn("an upload was refused: there is no room in {directory}", directory=str(self._rules.directory))
            self.fail(Unfit(507, "there is no room"))
        elif isinstance(why.value, OSError) and why.value.errno in (errno.EMFILE, errno.ENFILE):
            log.warn("an upload was refused: there are no file descriptors left")
            self._request.setHeader(b"Retry-After", RETRY)
            self.fail(Unfit(503, "too many files are open"))
        elif isinstance(why.value, OSError):
            what = why.value.strerror or type(why.value).__name__
            log.error(
                "an upload to {directory} cannot be written: {why}", directory=str(self._rules.directory), why=what
            )
            self.fail(Unfit(500, "internal error"))
        else:
            log.failure("an upload cannot be written: a bug in wampd", why)
            self.fail(Unfit(500, "internal error"))

    def fail(self, why: Unfit) -> None:
        """It cannot be."""
        if self._over:
            return
        self._end()
        self._tell("failed", reason=why.text)
        if self._request.channel is not None:
            give(self._request, say(self._request, why.status, why.text))

    def _end(self) -> None:
        self._over = True
        self._upload.ended()
        for _, spool, _ in self._spools:
            spool.discard()

    # ------------------------------------------------------------------------------------------------- being told of

    def _progress(self) -> None:
        body = self._request.body
        if not self._begun:
            self._begun = True
            self._tell("started")
            return
        passed = self._upload.clock.seconds() - self._told_at
        news = not body.length or body.received - self._told_size >= STEP * body.length or passed >= SLOW
        if passed >= EVERY and news:
            self._tell("progress")

    def _tell(self, what: str, **more: Any) -> None:
        body = self._request.body
        if what in ("finished", "failed") and not self._begun:
            self._begun = True
            self._tell("started")
        self._told_at, self._told_size = self._upload.clock.seconds(), body.received
        names = [name for name, _, _ in self._spools]
        who = getattr(self._request, "insider", None)  # whom the door of the path has let in
        if who is not None:
            more["authid"] = who.details.get("authid")
        known = {"id": self.id, "names": names, "size": body.length, "received": body.received}
        self._upload.tell(what, {**known, **more})


def checked(name: str) -> str:
    """A name that a client gave, if it is one."""
    if not _NAME.fullmatch(name) or len(name.encode()) > 200:
        raise Unfit(400, "that is no name for a file")
    return name


def keep(directory: Path, named: list[tuple[str, Spool]], overwrite: bool) -> bool:
    """Give files their names, all or none; in a thread. Whether one was there already. Raise `FileExistsError`."""
    replaced = False
    kept: list[Path] = []
    try:
        for name, spool in named:
            path = directory / name
            replaced = replaced or path.exists()
            spool.keep_as(name, overwrite)
            kept.append(path)
    except BaseException:
        if not overwrite:
            for path in kept:
                path.unlink(missing_ok=True)
        raise
    sync(directory)
    return replaced
