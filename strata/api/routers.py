"""The router: each path works with and without the last slash, for every method, without a redirect."""

from typing import Any

from rest_framework.routers import SimpleRouter


class EitherSlashRouter(SimpleRouter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trailing_slash = "/?"
