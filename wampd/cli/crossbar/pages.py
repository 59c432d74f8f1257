"""`type: wap`, pages of what procedures return → `type: page`.

Source: ``RouterWebServiceWap`` of Crossbar.io. Its routes are Werkzeug's (``/person/<int:number>``), its templates
Jinja2's, as here; the arguments of the path go to the procedure by name in both.
"""

import re

from wampd.realms.uris import is_uri

from .document import Table, table
from .drafts import Draft, Listener, Worker
from .reading import Item
from .section import Section

_KINDS = {"": "", "string": "", "default": "", "int": ":int", "float": ":number"}
_VARIABLE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)>")
_SEGMENT = re.compile(r"[A-Za-z0-9_.~-]+")


def pages(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    """Translate a service of pages; None, if there is no page left of it."""
    templates, wamp = section.take("templates"), section.table("wamp")
    section.pass_over("path", "sandbox")  # templates are in a sandbox, always
    made = table({"type": "page"})
    realm, role = (None, None) if wamp is None else (wamp.need_text("realm"), wamp.need_text("authrole"))
    if wamp is not None:
        wamp.end()
    shapes: set[str] = set()
    routes = [(each.item, _page(each, shapes, draft)) for each in section.tables("routes")]
    if realm is None or role is None or templates is None:
        return None
    if not draft.has_role(str(realm.value), str(role.value)):
        draft.report.lost(role, f'there is no role "{role.value}" in a realm "{realm.value}"; the pages are left out')
        return None
    if not isinstance(templates.value, str):
        draft.report.lost(templates, "name the directory that the templates of the package are in: templates: …")
        return None
    made.put_item("realm", realm)
    made.put_item("role", role)
    made.put("insecure", value=True)
    made.put("templates", draft.path(templates.value), templates)
    for item, page in routes:
        if page is not None:
            made.rows("pages").add(page, item)
    if "pages" not in made:
        draft.report.lost(section.item, "no page is left of it")
        return None
    draft.report.note(section.item, "in templates the result is called result, and all that is shown is escaped")
    return made


def _page(route: Section, shapes: set[str], draft: Draft) -> Table | None:
    path, method, render = route.need_text("path"), route.string("method", "GET"), route.need_text("render")
    call = route.take("call")
    route.end()
    if path is None or render is None:
        return None
    if method.upper() != "GET":
        draft.report.lost(route.item, "pages are for GET; let forms go to a path of type: call, or to an application")
        return None
    if call is None or not isinstance(call.value, str) or not is_uri(call.value):
        draft.report.lost(route.item, "a page calls a procedure; what calls none is a file: type: static")
        return None
    made = _path(path, draft)
    if made is None:
        return None
    shape = re.sub(r"\{\w+", "{", made)
    if shape in shapes:
        draft.report.lost(path, "a page before this one fits all these paths")
        return None
    shapes.add(shape)
    file = str(render.value)
    if file.startswith("/") or ".." in file.split("/") or not file:
        draft.report.lost(render, "a template is in the directory of templates, or below")
        return None
    page = Table()
    page.put("path", made, path)
    page.put("procedure", call.value, call)
    page.put("template", file, render)
    return page


def _path(item: Item, draft: Draft) -> str | None:
    """The path of a route as wampd writes it."""
    segments: list[str] = []
    names: set[str] = set()
    for segment in str(item.value).strip("/").split("/") if str(item.value).strip("/") else ():
        found = _VARIABLE.fullmatch(segment)
        if found is not None and (found["kind"] or "") in _KINDS and found["name"] not in names:
            names.add(found["name"])
            segments.append(f"{{{found['name']}{_KINDS[found['kind'] or '']}}}")
        elif _SEGMENT.fullmatch(segment) and segment not in (".", ".."):
            segments.append(segment)
        else:
            draft.report.lost(
                item, "a part of a path is a name, or <name>, <int:name> or <float:name>; write the page anew"
            )
            return None
    return "/" + "/".join(segments)
