"""The base of every view: a transaction for each write, `known_at`, ETags, idempotency, checked parameters."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from strata.api.http import idempotency
from strata.api.http.etags import etag_of, is_fresh
from strata.api.parameters import Parameter, read_parameters
from strata.audit import actor
from strata.audit.point_in_time import as_known_at
from strata.db.retry import run_in_transaction
from strata.exceptions import NotFound
from strata.fields.ids import CANONICAL_ID

LISTS = ("list", "children", "history")


def path_id(text: str, resource_name: str) -> UUID:
    """The id in a path. Raises NotFound where it is not an id."""
    if not CANONICAL_ID.fullmatch(text):
        raise NotFound(resource_name)
    return UUID(text)


class BaseAPIView:
    """For any view: sets the actor, and runs each write in one transaction, once for each Idempotency-Key."""

    accepts_idempotency_key = True
    has_etag = False
    parameters: dict[str, Parameter] = {}
    orderings: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        key = (
            idempotency.key_of(request) if request.method == "POST" and self.accepts_idempotency_key else None
        )
        digest = idempotency.request_digest(request) if key else ""
        super().initial(request, *args, **kwargs)
        if request.user and request.user.is_authenticated:
            actor.identify(request.user)
        known_at = self.read_parameters().get("known_at")
        method = request.method.lower()
        if not hasattr(self, method):
            return
        if known_at:
            setattr(self, method, self.in_the_past(getattr(self, method), known_at[0]))
        if request.method in SAFE_METHODS:
            return
        handler = self.begun_afresh(getattr(self, method))
        if key and request.user.is_authenticated:
            setattr(self, method, idempotency.run_once(self, handler, key, digest))
        else:
            setattr(self, method, in_transaction(handler))

    def begun_afresh(self, handler):
        """The handler, which resets the view's attributes first: an earlier attempt may have changed them."""
        untouched = dict(vars(self))

        def handle(request, *args, **kwargs):
            self.__dict__ = dict(untouched)
            return handler(request, *args, **kwargs)

        return handle

    def in_the_past(self, handler, known_at):
        """The handler, reading what was known at that instant. No query follows it: DRF's answers hold their data."""
        if self.request.method not in SAFE_METHODS:
            raise serializers.ValidationError({"known_at": "The past can be read, and not written."})

        def handle(request, *args, **kwargs):
            with as_known_at(known_at, request.user):
                return handler(request, *args, **kwargs)

        return handle

    def read_parameters(self) -> dict[str, list[Any]]:
        """The checked query parameters of this request. Only lists have filters and pages."""
        declared = self.declared_parameters()
        also = {"ordering"} if self.orderings and self.is_list() else set()
        if self.is_list() and getattr(self, "paginator", None):
            also |= set(self.paginator.parameters)
        return read_parameters(self.request, declared, also)

    def declared_parameters(self) -> dict[str, Parameter]:
        if self.is_list():
            return self.parameters
        return {name: parameter for name, parameter in self.parameters.items() if parameter.apply is None}

    def is_list(self) -> bool:
        return getattr(self, "action", None) in LISTS and self.request.method in SAFE_METHODS

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Sets the ETag of a single row's GET, and answers 304 where the caller has this version."""
        response = super().finalize_response(request, response, *args, **kwargs)
        read = request.method in ("GET", "HEAD") and response.status_code == 200 and not self.is_list()
        if self.has_etag and read and "ETag" not in response and hasattr(response, "data"):
            response["ETag"] = etag_of(response.data)
            if is_fresh(request, response["ETag"]):
                response.status_code, response.data = 304, None
        return response

    @property
    def as_of(self) -> date | None:
        """The day of `?on=`, or None."""
        return self.read_parameters().get("on", [None])[0]


def in_transaction(handler):
    def handle(request, *args, **kwargs):
        return run_in_transaction(lambda: handler(request, *args, **kwargs))

    return handle
