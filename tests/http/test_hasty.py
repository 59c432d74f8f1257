"""The short way to the socket: nothing is overtaken, lost or doubled, whatever the socket takes."""

import os

import pytest

from tests.http.asking import ask, body, files, static
from tests.http.house import Watched
from tests.support.sites import build_site
from tests.transports.port import Port, headers, status
from tests.transports.wires import Loop
from wampd.router.http.channel import PATIENCE, STALL
from wampd.router.http.policy import Policy
from wampd.router.http.static.resource import StaticFiles

GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n%b\r\n"


@pytest.fixture
def root(tmp_path):
    return files(tmp_path / "site", {"small.txt": "small", "big.bin": os.urandom(5_000_000)})


def test_the_short_way_says_what_the_long_one_does(root):
    for target in ("/small.txt", "/big.bin"):
        short = ask(static(root), target)
        long = ask(build_site({"/": Policy(StaticFiles(root))}), target)
        conditional = ask(static(root), target, 'If-None-Match: "other"')
        without = {name: value for name, value in headers(short).items() if name != "date"}
        for other in (long, conditional):
            assert body(short) == body(other)
            assert without == {name: value for name, value in headers(other).items() if name != "date"}
        assert headers(short).keys() == headers(long).keys()


def test_answers_that_come_together_are_whole_and_in_order(root):
    asked = [b"small.txt", b"big.bin", b"small.txt", b"none", b"big.bin", b"small.txt"]
    port = Port(site=static(root))
    answer = port.ask(b"".join(GET % (name, b"") for name in asked))
    big = (root / "big.bin").read_bytes()
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 5
    assert answer.count(b"HTTP/1.1 404 ") == 1
    assert answer.count(big) == 2
    places = [answer.index(big), answer.index(b"HTTP/1.1 404 "), answer.rindex(big)]
    assert places == sorted(places)
    assert answer.endswith(b"\r\n\r\nsmall")


def test_a_client_that_reads_slowly_gets_all_and_no_more_is_held_than_a_piece(root):
    port = Port(site=static(root))
    port.client.send(GET % (b"big.bin", b"") + GET % (b"small.txt", b""))
    assert len(port.wire.dataBuffer) + port.wire._tempDataLen <= 2**18
    answer = port.client.read()
    assert (root / "big.bin").read_bytes() in answer
    assert answer.endswith(b"\r\n\r\nsmall")


def test_a_client_that_reads_nothing_is_cut_off(root):
    port = Port(site=static(root))
    port.client.send(GET % (b"big.bin", b""))
    port.loop.run(STALL + 1)
    with Watched() as log:
        assert len(port.client.read()) < 5_000_000
        assert port.client.is_cut_off()
    assert log.failures == []


def test_a_client_that_leaves_meanwhile_leaves_nothing_open(root):
    before = len(os.listdir("/proc/self/fd"))
    port = Port(site=static(root))
    port.client.send(GET % (b"big.bin", b""))
    port.client.close()
    port.loop.run(STALL + 1)
    assert port.house.inside == 0
    assert len(os.listdir("/proc/self/fd")) <= before


def test_after_a_short_answer_a_connection_is_as_patient_as_before(root):
    loop = Loop()
    port = Port(site=static(root), loop=loop)
    assert port.ask(GET % (b"small.txt", b"")).endswith(b"small")
    loop.run(PATIENCE * 0.7)
    assert port.ask(GET % (b"small.txt", b"")).endswith(b"small")
    loop.run(PATIENCE * 0.7)
    assert port.ask(GET % (b"small.txt", b"Connection: close\r\n")).endswith(b"small")
    assert port.client.is_cut_off()


def test_a_connection_that_nobody_uses_is_closed_in_time(root):
    loop = Loop()
    port = Port(site=static(root), loop=loop)
    port.ask(GET % (b"small.txt", b""))
    loop.run(PATIENCE * 0.7)
    port.ask(GET % (b"small.txt", b""))
    loop.run(PATIENCE * 0.9)
    assert not port.client.is_cut_off()
    loop.run(PATIENCE * 0.2)
    assert port.client.is_cut_off()


def test_a_part_of_a_long_file_is_sent_the_short_way_too(root):
    answer = ask(static(root), "/big.bin", "Range: bytes=1000000-3999999")
    assert status(answer) == 206
    assert body(answer) == (root / "big.bin").read_bytes()[1_000_000:4_000_000]
