"""The Smartcard Service Centre, for people who are not signed in: unlock a card, check a card."""

from app.blueprints.service_centre import routes, unlocking
from app.blueprints.service_centre.blueprint import bp

__all__ = ["bp", "routes", "unlocking"]
