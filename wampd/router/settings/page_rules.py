"""Rules for pages: their paths, their arguments, and the templates they are made by."""

from wampd.realms.uris import is_uri

from .checker import Here
from .http.page import Page, PagePath
from .problems import did_you_mean, quote, quote_file
from .values import no_directory


def page(path: PagePath, here: Here) -> None:
    """Check the pages of a path."""
    seen: set[object] = set()
    for index, each in here.each(path.pages, "pages"):
        _page(each, here, index, seen)
    for uri in path.errors:
        if not is_uri(uri):
            here.problem("not a URI", "errors", uri)
    if trouble := no_directory(path.templates):
        here.problem(trouble, "templates")
        return
    for index, each in here.each(path.pages, "pages"):
        _template(path, each.template, here, "pages", index, "template")
    if path.error_template is not None:
        _template(path, path.error_template, here, "error_template")


def _page(each: Page, here: Here, index: int, seen: set[object]) -> None:
    from wampd.router.http.pages.routes import Variable, read_path  # only where there are pages

    at = ("pages", index)
    if not is_uri(each.procedure):
        here.problem(f"{quote(each.procedure)} is not a URI", *at, "procedure")
    segments = read_path(each.path)
    if isinstance(segments, str):
        here.problem(segments, *at, "path")
        return
    shape = tuple(part.kind if isinstance(part, Variable) else f"/{part}" for part in segments)
    if shape in seen:
        here.problem("there is a page before this one that all its paths fit", *at, "path")
    seen.add(shape)
    names = [part.name for part in segments if isinstance(part, Variable)]
    for name in each.query:
        if name in names:
            here.problem(f"{quote(name)} is in the path already", *at, "query", name)
    for place, name in here.each(each.args, *at, "args"):
        if name not in (*names, *each.query):
            hint = did_you_mean(name, [*names, *each.query])
            here.problem(f"neither path nor query have {quote(name)}{hint}", *at, "args", place)
        elif name in each.args[:place]:
            here.problem(f"{quote(name)} is here twice", *at, "args", place)


def _template(path: PagePath, name: str, here: Here, *keys: str | int) -> None:
    file = path.templates / name
    if name.startswith("/") or ".." in name.split("/"):
        here.problem("a template is in the directory of templates, or below", *keys)
        return
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        said = why.strerror if isinstance(why, OSError) else "it is not UTF-8"
        here.problem(f"cannot read {quote_file(file)}: {said}", *keys)
        return
    from jinja2 import Environment, TemplateSyntaxError  # only where there are pages

    try:
        Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as why:
        here.problem_in(file, why.lineno, why.message or "a syntax error", *keys)
