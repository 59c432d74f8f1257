"""Where the router sends requests: what the file may say, and what becomes of it."""

import pytest
from twisted.internet.task import Clock

from wampd.router.outgoing.problems import OutgoingError
from wampd.router.wiring.outgoing import Sender

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def test_what_is_written_reaches_the_client(config):
    text = "outgoing: {allow_private: [10.1.0.0/16, intern.example], ports: [22], http: false}\n"
    sender = Sender(Clock(), config.load(GOOD + text).outgoing)
    client = sender.client()
    assert sender.client() is client
    assert client.check("https://10.1.2.3:22/x") == "https://10.1.2.3:22/x"
    assert client.policy.hosts == {"intern.example"}
    for denied in ("https://10.2.2.3/", "http://10.1.2.3/", "https://10.1.2.3:25/"):
        with pytest.raises(OutgoingError):
            client.check(denied)


def test_nothing_that_is_not_public_is_allowed_if_nothing_is_written(config):
    client = Sender(Clock(), config.load(GOOD).outgoing).client()
    client.check("http://www.example.com/")
    for denied in ("http://127.0.0.1/", "http://[::1]/", "http://169.254.169.254/", "http://www.example.com:22/"):
        with pytest.raises(OutgoingError):
            client.check(denied)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{allow_private: [10.0.0.0/33]}", 'outgoing.allow_private[0]: "10.0.0.0/33" is not a network'),
        ("{allow_private: [10.0.0.1/8]}", 'outgoing.allow_private[0]: "10.0.0.1/8" is not a network'),
        ("{allow_private: [a, 0x7f.1]}", 'outgoing.allow_private[1]: "0x7f.1" is not a network'),
        ("{allow_private: [http://a/]}", "outgoing.allow_private[0]: "),
        ("{ports: [0]}", "outgoing.ports[0]: "),
        ("{ports: [1024]}", "outgoing.ports[0]: "),
        ("{requests: 0}", "outgoing.requests: "),
        ("{alow_private: []}", 'outgoing.alow_private: unknown key; did you mean "allow_private"?'),
    ],
)
def test_what_cannot_be_is_reported(config, text, expected):
    assert expected in config.problem(f"{GOOD}outgoing: {text}\n")
