"""Traces of requests with OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says where they are sent.

It is an extra (requirements-otel.txt), and its variables are OpenTelemetry's own, such as OTEL_TRACES_SAMPLER.
A span has the route, the status and the id of the request that the log has too. It has no address, no path and no text
of an error: they could have names and amounts.
"""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
# Below what refuses hosts and gives errors their shape: the instrumentation asks for the request's host.
BEFORE = "django.contrib.sessions.middleware.SessionMiddleware"
PRIVATE = (
    "http.url",
    "http.target",
    "http.user_agent",
    "net.peer.ip",
    "net.peer.name",
    "client.address",
    "url.full",
    "url.path",
    "url.query",
    "user_agent.original",
)


def trace_requests() -> None:
    """Instrument Django before it loads its middleware. Nothing where no endpoint is set."""
    if not os.environ.get(ENDPOINT):
        return
    try:
        # Here, because it is an extra.
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        message = f"{ENDPOINT} needs an extra: pip install --require-hashes -r requirements-otel.txt"
        raise ImproperlyConfigured(message) from None
    # Events are the texts of errors.
    provider = TracerProvider(
        resource=Resource.create({"service.name": "strata"}), span_limits=SpanLimits(max_events=0)
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    position = settings.MIDDLEWARE.index(BEFORE)
    DjangoInstrumentor().instrument(middleware_position=position, response_hook=describe)


def describe(span: Any, request: Any, response: Any) -> None:
    """Add the id of the request, and take away what may be private. A span has no method to remove an attribute."""
    span.set_attribute("strata.request_id", request.id)
    for name in PRIVATE:
        if name in (span.attributes or {}):
            span.set_attribute(name, "")
