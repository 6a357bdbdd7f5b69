"""Middleware for Doccano's pages: a Chinese link stays Chinese through the login, and no raw metadata is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponseRedirect

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

PAGES = ""
"""Route of all of Doccano's pages, which are one file."""
LOGIN = "/zh/auth"
# Beside a sentence, Doccano shows its metadata: `sid` in the first row and `biaozhu` in the last are for programs only.
METADATA = ".v-main .col-md-3>.v-data-table tbody tr"
STYLE = f"<style>{METADATA}:first-child:not(:last-child),{METADATA}:last-child:not(:first-child){{display:none}}</style>"


class Pages:
    """The middleware; Django calls `process_view` when it knows who is logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        response = self._get_response(request)
        match = request.resolver_match
        if match and match.route == PAGES and not response.streaming:
            response.content = response.content.replace(b"</head>", STYLE.encode() + b"</head>", 1)
            response["Content-Length"] = str(len(response.content))
        return response

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Redirect to the login in Chinese, where Doccano's own script would go to that in English."""
        is_chinese = request.resolver_match.route == PAGES and request.path.startswith("/zh/")
        if is_chinese and request.path != LOGIN and not request.user.is_authenticated:
            return HttpResponseRedirect(LOGIN)
        return None
