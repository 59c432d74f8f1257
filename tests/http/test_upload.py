"""Uploads: what is there afterwards, what never is, and what others hear of it."""

import errno
import json
import os
import resource
import time

import pytest
from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.python.failure import Failure

from tests.http.house import Watched, body, connect, head
from tests.transports.port import headers, status
from wampd.router.http.channel import LINGER
from wampd.router.http.uploads.resource import EVERY, HIGH, Upload, UploadRules
from wampd.router.http.uploads.spool import PREFIX, STALE, sweep

BOUNDARY = "----hunter2"
FORM = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"


class Disk:
    """Does at once what others do in threads, unless it is slow."""

    def __init__(self):
        self.slow = False
        self.broken = None
        self.waiting = []

    def run(self, work, *args):
        if self.broken is not None and work is not sweep:
            broken, self.broken = self.broken, None
            return fail(Failure(broken))
        if not self.slow:
            return maybeDeferred(work, *args)
        later = Deferred()
        self.waiting.append((later, work, args))
        return later

    def go_on(self, count=10**6):
        while self.waiting and count:
            count -= 1
            later, work, args = self.waiting.pop(0)
            maybeDeferred(work, *args).chainDeferred(later)


class Place:
    """A path that takes uploads, and a connection to it."""

    def __init__(self, directory, **rules):
        self.directory = directory
        self.disk = Disk()
        self.told = []
        self.upload = Upload(
            UploadRules(directory=directory, **{"size": 10**6, **rules}),
            self.disk,
            None,
            lambda *told: self.told.append(told),
        )
        self.port = self.connect()
        self.upload.clock = self.port.loop

    def connect(self):
        return connect({"/in/box": self.upload})

    def ask(self, line, *lines, content=b"", port=None):
        announced = (
            ()
            if any(line.startswith(("Content-L", "Transfer")) for line in lines)
            else (f"Content-Length: {len(content)}",)
        )
        (port or self.port).client.send(head(f"{line} HTTP/1.1", *announced, *lines) + content)
        return (port or self.port).client.read()

    def put(self, name, content=b"hello", *lines, **more):
        return self.ask(f"PUT /in/box/{name}", *lines, content=content, **more)

    def post(self, content=b"hello", *lines, **more):
        return self.ask("POST /in/box", *lines, content=content, **more)

    def form(self, *parts, end="--", **more):
        text = b"".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"{more_}\r\n\r\n'.encode() + content + b"\r\n"
            for more_, content in parts
        )
        return self.post(text + f"--{BOUNDARY}{end}\r\n".encode(), FORM, **more)

    @property
    def there(self):
        return {name: (self.directory / name).read_bytes() for name in os.listdir(self.directory)}

    @property
    def events(self):
        return [what for what, _ in self.told]


@pytest.fixture
def place(tmp_path):
    directory = tmp_path / "box"
    directory.mkdir()
    return lambda **rules: Place(directory, **rules)


@pytest.fixture(autouse=True)
def _no_failures(request):
    with Watched() as watched:
        yield
    if "cannot_be_written" not in request.node.name:
        assert watched.failures == []


# ------------------------------------------------------------------------------------------------- what is taken


def test_a_file_is_put_by_its_name(place):
    box = place()
    answer = box.put("a%20name%C3%A4.txt", b"hello", "Content-Type: text/plain; charset=utf-8")
    assert status(answer) == 201
    assert json.loads(body(answer))["files"] == [{"name": "a nameä.txt", "size": 5, "type": "text/plain"}]
    assert box.there == {"a nameä.txt": b"hello"}


def test_a_file_that_is_posted_gets_a_name(place):
    box = place()
    answer = box.post(b"\0\xff")
    (name,) = box.there
    assert (status(answer), box.there[name]) == (201, b"\0\xff")
    assert headers(answer)["location"] == f"/in/box/{name}"
    assert len(name) > 20


def test_an_empty_file_is_a_file(place):
    box = place()
    assert status(box.put("empty", b"")) == 201
    assert box.there == {"empty": b""}


def test_the_files_of_a_form_are_taken_and_its_fields_are_not(place):
    box = place()
    answer = box.form(('; filename="a.txt"', b"one\r\n"), ("", b"a field"), ('; filename="b.txt"', b""))
    assert status(answer) == 201
    assert [(file["name"], file["size"]) for file in json.loads(body(answer))["files"]] == [("a.txt", 5), ("b.txt", 0)]
    assert box.there == {"a.txt": b"one\r\n", "b.txt": b""}


def test_a_form_that_comes_octet_by_octet_is_the_same(place):
    box = place()
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
    text = f"{part}x\r\n-\r\n--{BOUNDARY}--\r\n".encode()
    box.port.client.send(head("POST /in/box HTTP/1.1", FORM, f"Content-Length: {len(text)}"))
    for octet in text:
        box.port.client.send(bytes([octet]))
    assert status(box.port.client.read()) == 201
    assert box.there == {"a": b"x\r\n-"}


def test_chunks_are_taken(place):
    box = place()
    assert status(box.put("a", b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", "Transfer-Encoding: chunked")) == 201
    assert box.there == {"a": b"onetwo"}


def test_several_uploads_of_one_connection(place):
    box = place()
    assert [status(box.put(name)) for name in "abc"] == [201, 201, 201]
    assert sorted(box.there) == ["a", "b", "c"]


def test_names_may_be_drawn_and_keep_their_ending(place):
    box = place(drawn=True)
    assert status(box.put("mine.txt")) == 405
    assert (
        status(Place(box.directory, drawn=True).form(('; filename="Evil.PNG"', b"x"), ('; filename="../x.a/b"', b"y")))
        == 201
    )
    assert sorted(os.path.splitext(name)[1] for name in box.there) == ["", ".png"]
    assert not any("vil" in name for name in box.there)


# ------------------------------------------------------------------------------------------------ what is not


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        ".hidden",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "a%2fb",
        "a%5cb",
        "%20a",
        "a%20",
        "a.",
        "a%0ab",
        "a%01",
        "%ff",
        "%E2%80%AE",
        "a:b",
        "a%3Fb",
        "a*b",
        "a%7Cb",
        "x" * 201,
        "%C3%A4" * 101,
        PREFIX + "x",
    ],
)
def test_what_is_no_name_is_refused(place, name):
    box = place()
    assert status(box.put(name)) == 400
    assert box.there == {}


def test_where_nobody_has_chosen_a_file_there_is_none(place):
    box = place(types=("image/*",))
    answer = box.form(
        ('; filename=""\r\nContent-Type: application/octet-stream', b""),
        ('; filename="a"\r\nContent-Type: image/png', b"x"),
    )
    assert (status(answer), box.there) == (201, {"a": b"x"})
    assert status(box.form(('; filename=""', b""))) == 400
    assert box.there == {"a": b"x"}


def test_a_file_without_a_name_gets_one(place):
    box = place()
    assert status(box.form(('; filename=""', b"there is something"))) == 201
    assert list(box.there.values()) == [b"there is something"]


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/b", "..", "", ".a", "a\\b"])
def test_what_is_no_name_in_a_form_is_refused_or_has_another_one(place, name):
    box = place()
    code = status(box.form((f'; filename="{name}"', b"x")))
    assert code in (400, 201)
    assert all("/" not in kept and ".." not in kept and not kept.startswith(".") for kept in box.there)
    assert os.listdir(box.directory.parent) == ["box"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("GET /in/box", 405),
        ("GET /in/box/a", 405),
        ("PUT /in/box", 405),
        ("PUT /in/box/", 405),
        ("POST /in/box/a", 405),
        ("PATCH /in/box/a", 405),
        ("DELETE /in/box/a", 405),
        ("PUT /in/box/a/b", 404),
    ],
)
def test_there_is_nothing_else(place, line, code):
    box = place()
    answer = box.ask(line, content=b"hello")
    assert status(answer) == code
    assert (code == 405) == ("allow" in headers(answer))
    assert box.there == {}


def test_what_is_there_is_not_overwritten(place):
    box = place()
    assert status(box.put("a", b"old")) == 201
    assert status(box.put("a", b"new")) == 409
    (box.directory / "dir").mkdir()
    box = Place(box.directory)
    assert status(box.put("dir")) == 409
    (box.directory / "dir").rmdir()
    assert box.there == {"a": b"old"}


def test_that_it_is_there_is_said_before_all_of_the_other_one_has_come(place):
    box = place()
    assert status(box.put("a", b"old")) == 201
    assert status(box.put("a", b"x", "Content-Length: 1000")) == 409
    assert box.there == {"a": b"old"}


def test_unless_it_may_be(place):
    box = place(overwrite=True)
    assert status(box.put("a", b"old")) == 201
    assert status(box.put("a", b"new")) == 200
    (box.directory / "link").symlink_to("a")
    assert status(box.put("link", b"mine")) == 200
    assert box.there == {"a": b"new", "link": b"mine"}


def test_of_a_form_all_files_are_there_or_none(place):
    box = place()
    box.put("b", b"old")
    assert status(box.form(('; filename="a"', b"x"), ('; filename="b"', b"y"))) == 409
    assert box.there == {"b": b"old"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        f"--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhello'.encode(),
        f"--{BOUNDARY}\r\n\r\nhello\r\n--{BOUNDARY}--\r\n".encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: attachment; filename="a"\r\n\r\nhello\r\n--{BOUNDARY}--\r\n'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"\r\n\r\n{"x" * 70_000}\r\n--{BOUNDARY}--\r\n'.encode(),
        f"--{BOUNDARY}\r\n{'X: y' * 5000}".encode(),
        (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n' * 100).encode(),
    ],
)
def test_what_is_no_form_is_refused_and_leaves_nothing(place, content):
    box = place()
    assert status(box.post(content, FORM)) == 400
    assert box.there == {}
    assert box.upload._under_way == 0


def test_a_form_without_a_boundary_is_refused(place):
    box = place()
    assert status(box.post(b"x", "Content-Type: multipart/form-data")) == 400
    assert status(Place(box.directory).post(b"x", 'Content-Type: multipart/form-data; boundary=""')) == 400


def test_a_form_has_so_many_files_and_each_its_own_name(place):
    box = place(files=2)
    assert status(box.form(*[(f'; filename="{name}"', b"x") for name in "abc"])) == 400
    assert status(Place(box.directory).form(*[('; filename="a"', b"x")] * 2)) == 400
    assert box.there == {}


def test_types_are_looked_at(place):
    box = place(types=("image/*", "text/plain"))
    assert status(box.put("a", b"x", "Content-Type: IMAGE/png")) == 201
    assert status(box.put("b", b"x", "Content-Type: text/html")) == 415
    assert status(Place(box.directory, types=("image/*",)).put("c", b"x")) == 415
    box = Place(box.directory, types=("image/*",))
    assert status(box.form(('; filename="d"\r\nContent-Type: text/html', b"x"))) == 415
    assert list(box.there) == ["a"]


def test_a_body_has_a_limit(place):
    box = place(size=10)
    assert status(box.put("a", b"x" * 11)) == 413
    box = Place(box.directory, size=10)
    assert status(box.put("a", b"b\r\n01234567890\r\n0\r\n\r\n", "Transfer-Encoding: chunked")) == 413
    assert box.there == {}
    assert box.events[-1] == "failed"


def test_so_many_come_at_a_time(place):
    box = place(concurrent=1)
    box.put("a", b"x", "Content-Length: 10")
    other = box.connect()
    answer = box.put("b", port=other)
    assert status(answer) == 503
    assert headers(answer)["retry-after"] == "5"
    assert status(box.port.ask(b"x" * 9)) == 201
    assert status(box.put("c", port=box.connect())) == 201


def test_some_of_the_disk_stays_free(place):
    box = place(keep_free=10**18)
    assert status(box.put("a")) == 507
    assert box.there == {}


def test_what_has_no_room_is_refused_by_its_announcement(place, monkeypatch):
    monkeypatch.setattr("wampd.router.http.uploads.spool.free", lambda _: 1000)
    box = place(size=10**4)
    assert status(box.put("a", b"x", "Content-Length: 1001")) == 507
    assert status(Place(box.directory).put("a", b"x" * 1000)) == 201


def test_a_full_disk_and_one_that_cannot_be_written_to(place):
    box = place()
    box.disk.broken = OSError(errno.ENOSPC, "No space left on device")
    assert status(box.put("a")) == 507
    box = Place(box.directory)
    box.disk.broken = OSError(errno.EIO, "private")
    answer = box.put("a")
    assert status(answer) == 500
    assert b"private" not in answer


def test_uploads_leave_some_descriptors_to_the_router(place, monkeypatch):
    box = place()
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr("wampd.router.http.uploads.spool.KEPT", most)  # all
    answer = box.put("a")
    assert (status(answer), headers(answer)["retry-after"]) == (503, "5")
    assert box.there == {}
    monkeypatch.undo()
    assert status(box.put("a", port=box.connect())) == 201


# ------------------------------------------------------------------------------------------------- on the way


def test_nobody_sees_half_a_file_and_nobody_has_one_that_left(place):
    box = place()
    box.put("a", b"half", "Content-Length: 10")
    (name,) = box.there
    assert name.startswith(PREFIX)
    box.port.wire.reset()
    assert box.there == {}
    assert box.events == ["started", "failed"]
    assert box.upload._under_way == 0


def test_a_client_that_leaves_while_its_file_is_finished_has_a_file(place):
    box = place()
    box.disk.slow = True
    box.put("a")
    box.port.wire.reset()
    box.disk.go_on()
    assert box.there == {"a": b"hello"}
    assert box.events == ["started", "finished"]


def test_the_client_waits_for_the_disk_and_little_is_kept(place):
    box = place(size=10**8)
    box.disk.slow = True
    box.port.client.send(head("PUT /in/box/a HTTP/1.1", f"Content-Length: {10**7}"))
    left = box.port.client.send(b"x" * 10**7)
    assert left > 10**7 - HIGH - 200_000
    box.disk.slow = False
    box.disk.go_on()
    assert box.port.client.send(b"x" * left) == 0
    assert status(box.port.client.read()) == 201
    assert box.there == {"a": b"x" * 10**7}


def test_an_upload_that_fails_is_answered_early_and_what_still_comes_is_dropped(place):
    box = place(size=10**8)
    box.disk.broken = OSError(errno.ENOSPC, "full")
    answer = box.put("a", b"x", "Content-Length: 10000000")
    assert status(answer) == 507
    assert headers(answer)["connection"] == "close"
    box.port.client.send(b"x" * 100_000)
    box.port.loop.run(LINGER + 1)
    assert box.port.house.inside == 0


def test_a_client_is_told_to_send_only_what_is_wanted(place):
    box = place(types=("image/*",))
    assert status(box.put("a", b"", "Content-Length: 10", "Expect: 100-continue")) == 415
    box = Place(box.directory)
    assert box.put("a", b"", "Content-Length: 5", "Expect: 100-continue") == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status(box.port.ask(b"hello")) == 201


def test_what_a_crash_has_left_is_removed_a_day_later(place):
    box = place()
    old, new = box.directory / f"{PREFIX}old", box.directory / f"{PREFIX}new"
    old.write_text("x")
    new.write_text("x")
    os.utime(old, (time.time() - STALE - 60,) * 2)
    box.put("a")
    assert sorted(box.there) == [new.name, "a"]


# ------------------------------------------------------------------------------------------------ who hears of it


def test_others_hear_of_an_upload_from_its_beginning_to_its_end(place):
    box = place()
    box.put("a", b"x" * 10, "Content-Length: 100", "Upload-Id: my-own_1")
    for _ in range(9):
        box.port.loop.run(EVERY)
        box.port.client.send(b"x" * 10)
    assert box.events == ["started", *["progress"] * 9, "finished"]
    told = [known for _, known in box.told]
    assert [known["received"] for known in told] == [10, *range(20, 101, 10), 100]
    assert all((known["id"], known["names"], known["size"]) == ("my-own_1", ["a"], 100) for known in told)
    assert told[-1]["files"] == [{"name": "a", "size": 100, "type": "application/octet-stream"}]


def test_they_do_not_hear_of_every_octet(place):
    box = place(size=10**7)
    box.put("a", b"", "Content-Length: 1000000")
    for _ in range(100):
        box.port.loop.run(0.02)
        box.port.client.send(b"x" * 10_000)
    assert box.events[0 :: len(box.events) - 1] == ["started", "finished"]
    assert 3 <= len(box.events) <= 6


def test_what_is_slow_is_told_of_now_and_then(place):
    box = place()
    box.put("a", b"x", "Content-Length: 100000")
    for _ in range(20):
        box.port.client.send(b"x" * 600)
        box.port.loop.run(1)
    assert 3 <= box.events.count("progress") <= 5


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "a/b", "ä"])
def test_an_id_is_short_and_plain(place, key):
    assert status(place().put("a", b"x", f"Upload-Id: {key}")) == 400


# ------------------------------------------------------------------------------------ what is not what it seems to be


@pytest.mark.parametrize("line", ["PUT /in/box/a", "POST /in/box"])
def test_a_part_of_a_file_is_not_taken_for_all_of_it(place, line):
    box = place(overwrite=True)
    box.put("a", b"all of it")
    answer = box.ask(line, "Content-Range: bytes 0-3/9", content=b"part", port=box.connect())
    assert status(answer) == 400
    assert body(answer) == b"send all of the file at once\n"
    assert box.there == {"a": b"all of it"}


@pytest.mark.parametrize(("coding", "told"), [("gzip", 415), ("GZIP", 415), ("br, gzip", 415), ("identity", 201)])
def test_a_body_in_a_coding_is_not_kept_as_what_it_stands_for(place, coding, told):
    box = place()
    assert status(box.put("a", b"hello", f"Content-Encoding: {coding}")) == told
    assert list(box.there) == (["a"] if told == 201 else [])


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_client_can_ask_to_replace_nothing(place, overwrite):
    box = place(overwrite=overwrite)
    assert status(box.put("a", b"old", "If-None-Match: *")) == 201
    assert status(box.put("a", b"new", "If-None-Match: *", port=box.connect())) == 412
    assert box.there == {"a": b"old"}


CONDITIONS = [
    'If-Match: "x"',
    "If-Match: *",
    'If-None-Match: "x"',
    "If-Unmodified-Since: Sat, 01 Jan 2000 00:00:00 GMT",
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_that_cannot_be_told_is_not_met(place, condition):
    box = place(overwrite=True)
    box.put("a", b"old")
    assert status(box.put("a", b"new", condition, port=box.connect())) == 412
    assert status(box.put("a", b"new", "If-None-Match: *", condition, port=box.connect())) == 412
    assert box.there == {"a": b"old"}


def test_what_is_for_reading_alone_is_no_condition(place):
    box = place()
    assert status(box.put("a", b"new", "If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT", 'If-Range: "x"')) == 201
    assert status(box.post(b"x", "If-None-Match: *")) == 201
