"""The server: a self-hosted service through which health-care staff look after their smartcards.

`create_app` is the one place where the parts meet.
"""

from flask import Flask
from jinja2 import ChainableUndefined, ChoiceLoader, PackageLoader
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.utils import import_string

import config as settings
from app import addresses, clock, errors, layout, logs, security_headers, static_files, words
from app.blueprints import forms, fragments, permissions, photos
from app.blueprints.pki import door
from app.extensions import csrf, db, htmx, mail, migrate
from app.services import keys

# What listens. A blueprint is added here by its module and the name that it has there.
BLUEPRINTS = (
    "app.blueprints.health.routes:bp",
    "app.blueprints.bridge.routes:bp",
    "app.blueprints.card_operations.routes:bp",
    "app.blueprints.auth.routes:bp",
    "app.blueprints.smartcards.routes:bp",
    "app.blueprints.smartcards.renewal:bp",
    "app.blueprints.reporting.routes:bp",
    "app.blueprints.demo.routes:bp",
    "app.blueprints.dashboard.routes:bp",
    "app.blueprints.help.routes:bp",
    "app.blueprints.pki.routes:bp",
    "app.blueprints.profile.routes:bp",
    "app.blueprints.self_service:bp",
    "app.blueprints.people:bp",
    "app.blueprints.requests.routes:bp",
    "app.blueprints.manage_smartcard:bp",
    "app.blueprints.role.routes:bp",
    "app.blueprints.terms.routes:bp",
    "app.blueprints.workstations.routes:bp",
    "app.blueprints.reader_check.routes:bp",
    "app.blueprints.reports.routes:bp",
    "app.blueprints.service_centre:bp",
)

# What `flask` can be told on the command line: click commands and groups.
COMMANDS: tuple[str, ...] = (
    "app.cli.card_check:cards",
    "app.cli.audit:audit",
    "app.cli.demonstration:demonstration",
    "app.cli.keys:keys",
    "app.cli.mail:mail",
    "app.cli.people:people",
    "app.cli.pki:pki",
    "app.cli.terms:terms",
    "app.cli.tidy:tidy",
    "app.cli.vault:vault",
    "app.cli.workstations:workstations",
)

# What follows from card operations that are done, registered by being imported.
FOLLOWS = ("app.services.cards", "app.services.renewals", "app.services.requests")


def create_app(
    config: settings.Config | None = None, *, now: clock.Clock = clock.system_clock
) -> Flask:
    """Put the server together.

    Raises:
        config.ConfigurationError: a setting is missing or does not make sense.
        Unmarked: a view does not say who may use it.
    """
    config = config or settings.load()
    app = Flask(
        __name__,
        instance_path=str(config.INSTANCE.absolute()),
        static_url_path=f"/static/{static_files.digest()}",
    )
    app.config.from_object(config)
    config.INSTANCE.mkdir(parents=True, exist_ok=True)

    addresses.init_app(app)
    templates(app)
    clock.init_app(app, now)
    logs.init_app(app)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(settings.ROOT / "migrations"))
    mail.init_app(app)
    htmx.init_app(app)
    permissions.init_app(app)
    csrf.init_app(app)
    errors.init_app(app)
    layout.init_app(app)
    forms.init_app(app)
    photos.init_app(app)
    words.init_app(app)
    app.after_request(fragments.vary)

    for name in BLUEPRINTS:
        app.register_blueprint(import_string(name))
    for name in COMMANDS:
        app.cli.add_command(import_string(name))

    for name in FOLLOWS:
        import_string(name)

    permissions.check(app)

    static_files.init_app(app)
    security_headers.init_app(app)
    door.init_app(app)
    if app.config["PROXIES"]:
        near = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask documents it
            app.wsgi_app, x_for=near, x_proto=near, x_host=near
        )
    if not app.testing:
        keys.check_at_start(app)
    return app


def templates(app: Flask) -> None:
    """Our own templates and the design system's, all of them escaped."""
    # The package's templates end in .jinja, which Flask would not escape by itself.
    app.jinja_options = {
        "autoescape": True,
        "undefined": ChainableUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    assert app.jinja_loader is not None
    app.jinja_loader = ChoiceLoader([app.jinja_loader, PackageLoader("nhsuk_frontend_jinja")])


def compile_templates(app: Flask) -> None:
    """Compile now, so that the first person does not wait for it, and a broken template shows."""
    for name in app.jinja_env.list_templates(extensions=["html", "jinja", "txt"]):
        app.jinja_env.get_template(name)
