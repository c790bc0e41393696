"""Traces by OpenTelemetry: one for each request, from HTTP through the broker to the job's process.

Without an address to send them to, all of this costs next to nothing and keeps nothing. The parts that
send them are the extra `traces` of this package.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Tracer

from qanat_common.settings import TraceSettings

try:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
except ImportError:
    SENDS = False
else:
    SENDS = True

logger = logging.getLogger(__name__)

NANO = 1_000_000_000


def setup(settings: TraceSettings, service: str) -> None:
    """Send traces of this process from now on, if the settings say where to; ends it if it cannot."""
    if not settings.endpoint:
        return
    if not SENDS:
        logger.critical("traces.endpoint is set, but needs: pip install 'qanat-common[traces]'")
        sys.exit(1)
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.endpoint)))
    trace.set_tracer_provider(provider)


def carried() -> dict[str, str] | None:
    """What names the span that runs now, for whoever goes on with it (W3C Trace Context)."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier or None


@contextmanager
def span(
    name: str,
    after: Mapping[str, str] | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    **attributes: str | int,
) -> Iterator[Span]:
    """Do something as a step of a trace: of that which runs, or of the one that was carried here.

    In a name of an attribute, `__` stands for a dot.
    """
    parent = propagate.extract(after, context.get_current()) if after else None
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    with _tracer().start_as_current_span(name, parent, kind, given) as running:
        yield running


def waited(name: str, since: datetime) -> None:
    """Note a step that has just ended and began at a time: nothing ran meanwhile."""
    begun = _tracer().start_span(name, start_time=round(since.timestamp() * NANO))
    begun.end()


def _tracer() -> Tracer:
    return trace.get_tracer("qanat")
