"""An empty directory with a configuration that has a store, and ``wampd user`` in it."""

import io
import sys

import pytest

from wampd.cli.main import main
from wampd.router.stores import principals
from wampd.router.stores.sqlite import open_store

CONFIG = """
store: {file: wampd.sqlite}
realms:
  - name: realm1
    roles: [{name: user}, {name: admin}, {name: personal, permissions: [{uri: "com.{authid}", allow: [call]}]}]
    auth:
      ticket: {}
      wampcra: {iterations: 10}
      scram: {kdf: pbkdf2, iterations: 10}
      cryptosign: {}
      store: true
  - name: keys
    roles: [{name: user}]
    auth: {cryptosign: {}, store: true}
  - name: public
    roles: [{name: user}]
    auth: {anonymous: {role: user}}
listeners: [{endpoint: tcp:8080, rawsocket: {}}]
"""
PASSWORD = "hunter2 ünd mehr"


class Desk:
    """An empty directory with a configuration, and the command."""

    def __init__(self, directory, capsys, monkeypatch):
        self.directory, self._capsys, self._monkeypatch = directory, capsys, monkeypatch
        self.write(CONFIG)

    def write(self, text):
        (self.directory / "config.yaml").write_text(text)

    def __call__(self, *words, stdin="", realm="realm1"):
        """Exit status, standard output, standard error."""
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        where = () if realm is None else ("--realm", realm)
        status = main(["user", words[0], *words[1:], *where])
        return status, *self._capsys.readouterr()

    def kept(self, authid, realm="realm1"):
        connection = open_store(self.directory / "wampd.sqlite")
        kept = principals.get(connection, realm, authid)
        connection.close()
        return kept

    def add(self, authid="joe", *words, **more):
        return self("add", authid, "--role", "user", *(words or ("--password-stdin",)), stdin=f"{PASSWORD}\n", **more)


@pytest.fixture
def user(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys, monkeypatch)
