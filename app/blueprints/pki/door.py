"""/pki/: where programs ask whether a certificate is still good. Open to all, and for no browser.

It stands in front of Flask, as static files do: no session, cookie or token is looked at, nothing
is changed, and an answer costs little more than its row. Everything here is signed, so it may be
asked for without TLS. Who asks about whom is not logged; what fails is.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import structlog
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app import clock
from app.card_operations.office import office_of
from app.extensions import db
from app.pki.addresses import OCSP_PATH
from app.pki.authority import AuthorityUnusable
from app.pki.key_stores import KeyUnusable
from app.pki.making import ROOT
from app.pki.ocsp import Answer, Status, refusal
from app.pki.ocsp_request import MOST_BYTES
from app.services import revocation_lists
from app.services.revocation import DatabaseAway, LookUp
from app.services.revocation_lists import ListOf

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger("app.pki")

PREFIX = "/pki/"
OCSP_TYPE = "application/ocsp-response"
CRL_TYPE, CERTIFICATE_TYPE = "application/pkix-crl", "application/pkix-cert"
FILE = re.compile(r"/pki/(?P<name>[a-z0-9-]{1,40})(?:/(?P<shard>[0-9a-f]{2}))?\.(?P<kind>crl|crt)")

# A cache may keep it and has to ask whether it still holds: a revocation counts at once
ASK_AGAIN = "max-age=0, public, no-transform, must-revalidate"
A_DAY = "max-age=86400, public, no-transform"
SAFE = ("X-Content-Type-Options", "nosniff")
RETRY_AFTER = 30  # seconds, when the database or the authority's key cannot be reached


class Door:
    """A WSGI application in front of another, which gets what is not asked of the authority."""

    def __init__(self, application: "WSGIApplication", app: Flask) -> None:
        self._application = application
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(PREFIX):
            return self._application(environ, start_response)
        method = environ["REQUEST_METHOD"]
        if method == "POST" and path == OCSP_PATH:
            return self._ocsp(_body(environ), environ, start_response)
        if method not in ("GET", "HEAD"):
            return self._application(environ, start_response)
        if path.startswith(f"{OCSP_PATH}/"):
            return self._ocsp(_from_address(path), environ, start_response)
        found = FILE.fullmatch(path)
        response = self._file(**found.groupdict()) if found else None
        if response is None:
            return self._application(environ, start_response)
        response.headers.add(*SAFE)
        return response.make_conditional(environ)(environ, start_response)

    @cached_property
    def _engine(self) -> Engine:
        with self._app.app_context():
            return db.engine

    @cached_property
    def _look_up(self) -> LookUp:
        return LookUp(self._engine)

    def _now(self) -> datetime:
        return clock.of(self._app)

    def _ocsp(
        self, body: bytes | None, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        answer = refusal(Status.MALFORMED_REQUEST) if body is None else self._answer(body)
        headers = [("Content-Type", OCSP_TYPE), SAFE]
        tag = None
        if answer.may_be_kept and environ["REQUEST_METHOD"] != "POST":
            tag = f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
            headers += [("Cache-Control", ASK_AGAIN), ("ETag", tag)]
        else:
            headers.append(("Cache-Control", "no-store"))
        if tag is not None and environ.get("HTTP_IF_NONE_MATCH") == tag:
            start_response("304 Not Modified", headers)
            return []
        headers.append(("Content-Length", str(len(answer.content))))
        start_response("200 OK", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.content]

    def _answer(self, body: bytes) -> Answer:
        try:
            responder = office_of(self._app).responder
            return responder.answer(body, self._look_up, now=self._now())
        except (DatabaseAway, SQLAlchemyError, AuthorityUnusable, KeyUnusable) as error:
            log.error("failed", what="ocsp", exc_info=error)
            return refusal(Status.TRY_LATER)
        except Exception as error:
            log.error("failed", what="ocsp", exc_info=error)
            return refusal(Status.INTERNAL_ERROR)

    def _file(self, name: str, shard: str | None, kind: str) -> Response | None:
        """A list or a certificate; None if there is none by that name."""
        try:
            if kind == "crt":
                return None if shard else self._certificate(name)
            if name == ROOT:
                return None if shard else self._root_list()
            return self._list(name, shard)
        except (SQLAlchemyError, AuthorityUnusable, KeyUnusable) as error:
            log.error("failed", what=f"{name}.{kind}", exc_info=error)
            response = Response("try again later\n", 503, mimetype="text/plain")
            response.headers["Cache-Control"] = "no-store"
            response.headers["Retry-After"] = str(RETRY_AFTER)
            return response

    def _list(self, name: str, shard: str | None) -> Response | None:
        issuer = office_of(self._app).issuer
        authority = issuer.authorities.get(name)
        if authority is None:
            return None
        wanted = ListOf(authority, issuer.origin, None if shard is None else int(shard, 16))
        signed = revocation_lists.current(self._engine, wanted, now=self._now())
        response = _file(signed.der, CRL_TYPE, str(signed.number), ASK_AGAIN)
        response.last_modified = signed.made_at
        return response

    def _root_list(self) -> Response | None:
        content = office_of(self._app).issuer.root_list
        return None if content is None else _file(content, CRL_TYPE, _digest(content), ASK_AGAIN)

    def _certificate(self, name: str) -> Response | None:
        issuer = office_of(self._app).issuer
        if name == ROOT:
            certificate = issuer.roots[0]
        elif name in issuer.authorities:
            certificate = issuer.authorities[name].certificate
        else:
            return None
        content = certificate.public_bytes(Encoding.DER)
        return _file(content, CERTIFICATE_TYPE, _digest(content), A_DAY)


def _body(environ: "WSGIEnvironment") -> bytes | None:
    """What was posted; None if it is too long to be a request."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or MOST_BYTES + 1)
    except ValueError:
        return None
    if environ.get("CONTENT_LENGTH") and not 0 < length <= MOST_BYTES:
        return None
    body: bytes = environ["wsgi.input"].read(min(length, MOST_BYTES + 1))
    return body if len(body) <= MOST_BYTES else None


def _from_address(path: str) -> bytes | None:
    """A request in the address (RFC 6960, A.1): base64, which the server has unquoted."""
    text = path.removeprefix(OCSP_PATH).lstrip("/")
    if len(text) > MOST_BYTES:
        return None
    try:
        return base64.b64decode(text.encode("latin-1"), validate=True)
    except binascii.Error:
        return None


def _file(content: bytes, kind: str, tag: str, keep: str) -> Response:
    response = Response(content, mimetype=kind)
    response.set_etag(tag)
    response.headers["Cache-Control"] = keep
    return response


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def init_app(app: Flask) -> None:
    app.wsgi_app = Door(app.wsgi_app, app)  # type: ignore[method-assign]  # as Flask documents it
