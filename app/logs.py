"""Logs: one JSON object a line on standard error, and one line for each request.

A line never holds a query string, a body, a cookie or a header: what is logged of a request is its
method, its path, and what became of it.
"""

import logging
import re
import sys
import time
from typing import TextIO
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request
from structlog.typing import Processor

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")

_shared: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    # The stack without the values of its variables: one of them may be a secret.
    structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    ),
]


class StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at the moment, not to what it was at start-up."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # as the standard library's own does
        return sys.stderr


def configure(level: str) -> None:
    """Send structlog and the standard library's logging through one JSON formatter."""
    structlog.configure(
        processors=[*_shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = StandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.set_name("cis")
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if h.get_name() != "cis"] + [handler]
    root.setLevel(level)
    # One would tell of each look at the schema's revision, the other of whole addresses.
    for name in ("alembic.runtime.migration", "werkzeug"):
        logging.getLogger(name).setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Number each request, and write a line when it has been answered."""
    configure(app.config["LOG_LEVEL"])
    log = structlog.get_logger("app.request")

    @app.before_request
    def number() -> None:
        given = request.headers.get("X-Request-ID", "")
        # Only a proxy of ours may name a request; anybody else could forge lines that belong to it.
        trusted = app.config["PROXIES"] and REQUEST_ID.fullmatch(given)
        g.request_id = given if trusted else uuid4().hex
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def answered(response: Response) -> Response:
        if "request_id" in g:
            response.headers["X-Request-ID"] = g.request_id
            log.info(
                "answered",
                method=request.method,
                path=request.path,
                endpoint=request.endpoint,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
            )
        return response
