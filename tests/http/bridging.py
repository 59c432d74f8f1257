"""A router in memory behind a web site: what the tests of bridges have in common."""

import json
from base64 import b64encode

from tests.inside.house import House
from tests.support.sites import build_site
from tests.transports.port import EVERYTHING, Port
from tests.transports.wires import Loop
from wampd.router.http.access.access import FixedRole, Refused
from wampd.router.inside.coming import NotLetIn


class Answer:
    """What a request was answered with, so far."""

    def __init__(self, text):
        head, _, self.body = text.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(line.split(" ")[1])
        self.lines = [tuple(each.split(": ", 1)) for each in lines]

    def header(self, name):
        values = [value for key, value in self.lines if key.lower() == name.lower()]
        return values[0] if values else None

    def json(self):
        assert self.header("Content-Type") == "application/json"
        return json.loads(self.body)


class Client:
    """One connection of a client."""

    def __init__(self, stage):
        self.stage = stage
        self.port = Port(EVERYTHING, loop=stage.loop)
        self.port.protocol._web = stage.site.buildProtocol

    def send(self, line, *lines, body=b""):
        length = [f"Content-Length: {len(body)}"] if body else []
        head = [f"{line} HTTP/1.1", "Host: router.example", *length, *lines, "", ""]
        self.port.client.send("\r\n".join(head).encode("latin-1") + body)
        self.stage.house.turns()
        self.stage.loop.run()

    def read(self):
        self.stage.house.turns()
        self.stage.loop.run()
        return self.port.client.read()

    def ask(self, line, *lines, body=b""):
        """Send a request; `None`: there is no answer yet."""
        self.send(line, *lines, body=body)
        return self.answer()

    def answer(self):
        text = self.read()
        return Answer(text) if text else None

    def post(self, path, value, *lines):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask(f"POST {path}", "Content-Type: application/json", *lines, body=body)

    def leave(self):
        self.port.client.close()
        self.stage.loop.run()
        self.stage.house.turns()


class Stage:
    """A realm ``realm1`` as in `tests.inside.house`, and a web site."""

    def __init__(self):
        self.loop = Loop()
        self.house = House(self.loop)
        self.site = None

    def serve(self, served):
        self.site = build_site(served)
        self.site.reactor = self.loop
        return self

    def as_role(self, role="user"):
        """An access that lets everybody act in a role."""

        def enter(request):
            try:
                return self.house.insiders.enter("realm1", "http", role)
            except NotLetIn:
                raise Refused(503, "there is no room") from None

        return FixedRole(enter)

    def client(self):
        return Client(self)

    def later(self, seconds):
        self.loop.run(seconds)
        self.house.turns()

    @property
    def sessions(self):
        return list(self.house.realms["realm1"].core.sessions.values())


def basic(name, password):
    return "Authorization: Basic " + b64encode(f"{name}:{password}".encode()).decode()
