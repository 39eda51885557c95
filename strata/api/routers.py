"""The router: each path with and without its last slash, for every method, with no redirect."""

from rest_framework.routers import SimpleRouter


class EitherSlashRouter(SimpleRouter):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.trailing_slash = "/?"
