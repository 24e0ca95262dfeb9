"""The server's entry: `flask --app wsgi`, or `granian --interface wsgi wsgi:app`."""

from app import create_app

app = create_app()
