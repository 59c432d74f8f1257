"""A Flask application that the router serves under a path of its own port: notes, kept as long as it runs."""

from threading import Lock

from flask import Flask, Response, abort, request, url_for

application = Flask(__name__)
notes: list[str] = []
lock = Lock()
"""The router calls the application in several threads."""


@application.get("/")
def index() -> Response:
    """All notes, a line each."""
    with lock:
        return Response("".join(f"{number} {text}\n" for number, text in enumerate(notes, 1)), mimetype="text/plain")


@application.post("/")
def add() -> tuple[str, int, dict[str, str]]:
    """One more."""
    text = request.form.get("text", "").strip()
    if not text:
        abort(400, "a note has a text")
    with lock:
        notes.append(text)
        number = len(notes)
    return f"note {number} is at {url_for('one', number=number)}\n", 201, {"Content-Type": "text/plain"}


@application.get("/<int:number>")
def one(number: int) -> Response:
    """One note."""
    with lock:
        if not 0 < number <= len(notes):
            abort(404)
        return Response(f"{notes[number - 1]}\n", mimetype="text/plain")
