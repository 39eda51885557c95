"""The middleware that shows the admin in the user's language and formats, and the API always in English."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from strata.accounts.preferences import ENGLISH, as_preferred, preferences_of
from strata.server.error_pages import is_api


class PreferencesMiddleware:
    """It needs the user. An answer that is rendered later than in the view is rendered inside of it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_api(request):
            with translation.override(ENGLISH):
                return self.get_response(request)
        with as_preferred(preferences_of(request.user, request.headers.get("Accept-Language", ""))):
            return self.get_response(request)
