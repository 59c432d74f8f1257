"""The settings of pages: what is wrong with them, and with their templates, is said where it stands."""

import pytest

from wampd.router.settings.http import PagePath

from .conftest import LISTENER, REALM

PATH = (
    "    http:\n"
    "      /people:\n"
    "        {{type: page, realm: realm1, role: {role}, insecure: true, templates: templates, {more}pages: [{page}]}}\n"
)
ONE = "{path: /, procedure: com.people.list, template: list.html}"


@pytest.fixture
def configuration(config):
    """Makes one, with these templates."""
    config.write("<p>{{ result }}", "templates/list.html")
    config.write("<p>\n{% for %}", "templates/bad.html")
    config.write(b"\xff", "templates/latin.html")

    def make(page=ONE, more="", role="anonymous"):
        allowed = REALM.replace(
            "{name: anonymous}", "{name: anonymous, permissions: [{uri: com., match: prefix, allow: [call]}]}"
        )
        return allowed + LISTENER + PATH.format(page=page, more=more, role=role)

    return make


def test_pages_are_read(config, configuration):
    page = "{path: '/{id:int}', procedure: com.people.get, template: list.html, query: {full: bool}, args: [id, full]}"
    (path,) = config.load(configuration(f"{ONE}, {page}")).listeners[0].http.values()
    assert isinstance(path, PagePath)
    assert path.pages[1].query == {"full": "bool"}
    assert path.templates == config.directory / "templates"


@pytest.mark.parametrize(
    ("page", "more", "problem"),
    [
        ("", "", "pages: the list must not be empty"),
        ("{path: people, procedure: com.a, template: list.html}", "", "path: a path begins with /"),
        ("{path: '/{id', procedure: com.a, template: list.html}", "", "path: a segment is"),
        ("{path: '/{id:txt}', procedure: com.a, template: list.html}", "", "path: a segment is"),
        (f"{ONE}, {ONE}", "", "pages[1].path: there is a page before"),
        ("{path: /, procedure: com..a, template: list.html}", "", "procedure: "),
        ("{path: /, procedure: com.a, template: lost.html}", "", "template: cannot read"),
        ("{path: /, procedure: com.a, template: latin.html}", "", "template: cannot read"),
        ("{path: /, procedure: com.a, template: ../config.yaml}", "", "template: a template is in the directory"),
        ("{path: /, procedure: com.a, template: list.html, args: [id]}", "", "args[0]: neither path nor query"),
        (
            "{path: '/{id}', procedure: com.a, template: list.html, args: [ident]}",
            "",
            "args[0]: neither path nor query",
        ),
        ("{path: '/{id}', procedure: com.a, template: list.html, args: [id, id]}", "", "args[1]: "),
        ("{path: '/{id}', procedure: com.a, template: list.html, query: {id: int}}", "", "query.id: "),
        ("{path: /, procedure: com.a, template: list.html, query: {a: float}}", "", "query.a: "),
        (ONE, "error_template: lost.html, ", "error_template: cannot read"),
        (ONE, "errors: {com.a: 200}, ", "errors"),
        (ONE, "errors: {com..a: 404}, ", "errors"),
        (ONE, "timeout: 0, ", "timeout: "),
    ],
)
def test_what_is_wrong_is_said_at_its_place(config, configuration, page, more, problem):
    assert problem in config.problem(configuration(page, more))


def test_a_mistake_in_a_template_is_said_with_its_file_and_line(config, configuration):
    (problem,) = config.problems(configuration("{path: /, procedure: com.a, template: bad.html}"))
    assert problem.startswith("templates/bad.html:2:")


def test_a_role_that_the_realm_does_not_have_is_none(config, configuration):
    assert "role: " in config.problem(configuration(role="pages"))


def test_anybody_may_not_act_in_a_role_unless_that_is_wanted(config, configuration):
    text = configuration().replace("insecure: true", "insecure: false")
    assert "insecure: true" in config.problem(text)
