"""A Django site in one file, which the router serves under a path of its own port: a wall of greetings."""

import os
from threading import Lock

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.environ.get("WALL_SECRET", "for this example alone"),
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
)
django.setup()

greetings: list[str] = []
lock = Lock()
"""The router calls the application in several threads."""


@csrf_exempt  # there are no sessions that another site could use
@require_http_methods(["GET", "POST"])
def wall(request: HttpRequest) -> HttpResponse:
    """All greetings; or one more."""
    if request.method == "POST":
        name = request.POST.get("name", "").strip()
        if not name:
            return HttpResponseBadRequest("who greets?\n", content_type="text/plain")
        with lock:
            greetings.append(f"{name} was here\n")
        return HttpResponseRedirect(reverse("wall"))
    with lock:
        return HttpResponse("".join(greetings) or "nobody was here\n", content_type="text/plain")


urlpatterns = [path("", wall, name="wall")]
application = get_wsgi_application()
