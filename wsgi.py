"""The server's entry: `flask --app wsgi`, or `granian --interface wsgi wsgi:app`."""

import gc
import os
import sys

import config
from app import compile_templates, create_app
from app.cli.keys import makes_keys

try:
    app = create_app(config.BeforeTheKeys() if makes_keys(sys.argv) else None)
except config.ConfigurationError as error:
    sys.exit(f"The service does not start with these settings.\n{error}")

if "FLASK_RUN_FROM_CLI" not in os.environ:  # one command needs few of them, and a server all
    compile_templates(app)
    gc.collect()
    gc.freeze()  # what every request needs is never rubbish: each look through it took 0.1 s
