"""Is it alive, is it ready, which version: public, and quick whatever the database does."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes, throttle_classes
from rest_framework.permissions import AllowAny
from rest_framework.response import Response

from strata import __version__
from strata.api.errors import Refusal

Alive = inline_serializer("Health", {"status": serializers.CharField()})
Version = inline_serializer("Version", {"version": serializers.CharField()})


def public(answer, operation_id):
    """A GET for everybody: no login, no throttle."""

    def wrap(view):
        view = throttle_classes([])(permission_classes([AllowAny])(authentication_classes([])(view)))
        return extend_schema(responses=answer, operation_id=operation_id, auth=[])(api_view(["GET"])(view))

    return wrap


@public(Alive, "health_live")
def live(request):
    """The process answers."""
    return Response({"status": "live"})


@public(Alive, "health_ready")
def ready(request):
    """The database answers and has every migration; 503 otherwise."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        raise Refusal("UNAVAILABLE", "The database does not answer.", status=503, wait=5) from error
    if waiting:
        raise Refusal("UNAVAILABLE", f"{len(waiting)} migrations are not applied.", status=503, wait=5)
    return Response({"status": "ready"})


@public(Version, "version")
def version(request):
    """The version that is running."""
    return Response({"version": __version__})
