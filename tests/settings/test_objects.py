"""Uploads, WSGI applications and Twisted resources in the configuration: what is wrong is said where it stands."""

import pytest

from tests.settings.conftest import REALM
from wampd.router.settings.http import ResourcePath, UploadPath, WsgiPath

HTTP = REALM + "listeners:\n  - endpoint: tcp:8080\n    http:\n      /x: "
MODULE = """
class Thing:
    def __init__(self, **arguments):
        self.arguments = arguments

class Outer:
    class Inner: pass

def application(environ, start_response): pass
"""


@pytest.fixture
def problem(config):
    """The one problem of a path."""
    (config.directory / "box").mkdir()
    (config.directory / "shop.py").write_text(MODULE)

    def said(path):
        return config.problem(HTTP + path + "\n").removeprefix('listeners[0].http["/x"]')

    return said


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", ": anybody could fill the disk: give it access, or insecure: true"),
        ("insecure: true, directory: nowhere", '.directory: there is no directory "nowhere"'),
        ("insecure: true, access: {realm: realm1, anonymous: true}", ".insecure: it is not: there is access"),
        ("insecure: true, types: [Image/png]", ".types[0]: types are compared in lower case"),
        ("insecure: true, types: []", ".types: "),
        ("insecure: true, size: 0", ".size: "),
        ("insecure: true, concurrent: 0", ".concurrent: "),
        ("insecure: true, keep_free: -1", ".keep_free: "),
        ("insecure: true, overwrit: true", '.overwrit: unknown key; did you mean "overwrite"?'),
        (
            "insecure: true, events: {realm: realm2, topic: a}",
            '.events.realm: there is no realm "realm2"; did you mean "realm1"?',
        ),
        ("insecure: true, events: {realm: realm1}", ".events.topic: this key is missing"),
        (
            "insecure: true, events: {realm: realm1, topic: a, role: anonymos}",
            '.events.role: the realm "realm1" has no role "anonymos"; did you mean "anonymous"?',
        ),
    ],
)
def test_what_is_wrong_with_uploads_is_said(problem, more, said):
    directory = "" if "directory" in more else "directory: box, "
    assert problem(f"{{type: upload, {directory}{more}}}").startswith(said)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{type: wsgi}", ".application: this key is missing"),
        ("{type: wsgi, application: shop}", '.application: "shop" is not like "module:callable"'),
        ("{type: wsgi, application: 'shop:application', threads: 0, directory: .}", ".threads: "),
        ("{type: wsgi, application: 'shop:application', directory: nowhere}", ".directory: there is no directory"),
        ("{type: wsgi, application: 'shop:application'}", ".application: cannot import shop: there is no module shop"),
        (
            "{type: wsgi, application: 'shop:nothing', directory: .}",
            ".application: shop has nothing of the name nothing",
        ),
        ("{type: resource}", ".class: this key is missing"),
        ("{type: resource, clas: shop.Thing, directory: .}", '.clas: unknown key; did you mean "class"?'),
        ("{type: resource, class: Thing}", '.class: "Thing" is not like "module.Class"'),
        ("{type: resource, class: shop.Thin, directory: .}", ".class: shop has nothing of the name Thin"),
        ("{type: resource, class: shop.__doc__, directory: .}", ".class: shop has nothing of the name __doc__"),
        ("{type: resource, class: shop.Thing, directory: ., arguments: [1]}", ".arguments: expected a mapping"),
    ],
)
def test_what_is_wrong_with_objects_is_said(problem, path, said):
    assert problem(path).startswith(said)


def test_what_is_right_is_taken(config):
    (config.directory / "box").mkdir()
    (config.directory / "shop.py").write_text(MODULE)
    upload = config.load(HTTP + "{type: upload, directory: box, insecure: true, events: {realm: realm1, topic: a.b}}\n")
    assert isinstance(upload.listeners[0].http["/x"], UploadPath)
    wsgi = config.load(HTTP + "{type: wsgi, application: 'shop:application', directory: .}\n").listeners[0].http["/x"]
    assert isinstance(wsgi, WsgiPath)
    assert wsgi.directory == config.directory
    thing = config.load(HTTP + "{type: resource, class: shop.Thing, directory: ., arguments: {a: [1, {b: null}]}}\n")
    path = thing.listeners[0].http["/x"]
    assert isinstance(path, ResourcePath)
    assert (path.class_, path.arguments) == ("shop.Thing", {"a": [1, {"b": None}]})


def test_nothing_of_the_module_is_imported_while_the_configuration_is_read(config):
    import sys

    (config.directory / "reactors.py").write_text("from twisted.internet import reactor\nclass Thing: pass\n")
    config.load(HTTP + "{type: resource, class: reactors.Thing, directory: .}\n")
    assert "reactors" not in sys.modules
    assert str(config.directory) not in sys.path
