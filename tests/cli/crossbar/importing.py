"""A node configuration as a test writes it: imported in memory, and what came of it."""

import json
from pathlib import Path
from typing import Any

import yaml

from wampd.cli.crossbar.importing import Imported

RULE = {"uri": "", "match": "prefix", "allow": {"call": True, "register": True, "publish": True, "subscribe": True}}
TCP = {"type": "tcp", "port": 8080}


def node(*workers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": 2, "workers": list(workers), **more}


def router(**more: Any) -> dict[str, Any]:
    """A router worker with `realm1`, and RawSocket where everybody comes in, if nothing else is said."""
    plain = {"type": "router", "realms": [realm()], "transports": [rawsocket()]}
    return {**plain, **more}


def realm(name: str = "realm1", *roles: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "roles": list(roles) or [role()], **more}


def role(name: str = "anonymous", *permissions: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "permissions": list(permissions) or [RULE]}


def rawsocket(port: int = 8080, **more: Any) -> dict[str, Any]:
    return {"type": "rawsocket", "endpoint": {"type": "tcp", "port": port}, **more}


def web(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "web", "endpoint": TCP, "paths": paths, **more}


def websocket(**more: Any) -> dict[str, Any]:
    return {"type": "websocket", **more}


class Result:
    """What came of an import."""

    def __init__(self, configuration: Any, directory: Path, **environ: str) -> None:
        text = configuration if isinstance(configuration, str) else json.dumps(configuration, indent=2)
        source = directory / "node.json"
        source.write_text(text)
        self.imported = Imported(source, None, directory)
        self.imported.check(environ)
        self.text = self.imported.text()
        self.made = yaml.safe_load(self.text)
        self.lost = [self._said(finding) for finding in self.imported.report.of("lost")]
        self.notes = [self._said(finding) for finding in self.imported.report.of("note")]

    @staticmethod
    def _said(finding: Any) -> str:
        """Without the file, whose name is that of a temporary directory."""
        return str(finding).replace(f"{finding.place.file.parent}/", "")

    @property
    def realm(self) -> dict[str, Any]:
        return self.made["realms"][0]

    @property
    def auth(self) -> dict[str, Any]:
        return self.realm["auth"]

    @property
    def rules(self) -> list[dict[str, Any]]:
        return self.realm["roles"][0]["permissions"]

    @property
    def listener(self) -> dict[str, Any]:
        return self.made["listeners"][0]


def only(said: list[str], *words: str) -> str:
    """The one line with these words in it."""
    found = [line for line in said if all(word in line for word in words)]
    assert len(found) == 1, said
    return found[0]


def template(port: int, raw_port: int) -> dict[str, Any]:
    """What ``crossbar init`` writes (the template `default`), at other ports."""
    disclose = {"caller": False, "publisher": False}
    deflate = {
        "request_no_context_takeover": False,
        "request_max_window_bits": 13,
        "no_context_takeover": False,
        "max_window_bits": 13,
        "memory_level": 5,
    }
    options = {
        "allowed_origins": ["*"],
        "allow_null_origin": True,
        "enable_webstatus": False,
        "max_frame_size": 1048576,
        "max_message_size": 1048576,
        "auto_fragment_size": 65536,
        "fail_by_drop": True,
        "open_handshake_timeout": 2500,
        "close_handshake_timeout": 1000,
        "auto_ping_interval": 10000,
        "auto_ping_timeout": 5000,
        "auto_ping_size": 4,
        "compression": {"deflate": deflate},
    }
    serializers = ["cbor", "msgpack", "json"]
    paths = {
        "/": {"type": "static", "directory": "../web", "options": {"enable_directory_listing": True}},
        "ws": {"type": "websocket", "serializers": serializers, "options": options},
        "info": {"type": "nodeinfo"},
    }
    raw = {
        "type": "rawsocket",
        "endpoint": {"type": "tcp", "port": raw_port, "backlog": 1024},
        "options": {"max_message_size": 1048576},
        "serializers": serializers,
    }
    site = {"type": "web", "endpoint": {"type": "tcp", "port": port, "backlog": 1024}, "paths": paths}
    everything = {**RULE, "disclose": disclose, "cache": True}
    realms = [realm("realm1", role("anonymous", everything))]
    worker = {"type": "router", "realms": realms, "transports": [raw, site]}
    schema = "https://raw.githubusercontent.com/crossbario/crossbar/master/crossbar.json"
    return {"$schema": schema, "version": 2, "controller": {}, "workers": [worker]}
