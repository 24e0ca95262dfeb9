"""The Service Centre's blueprint; its routes are in the modules beside it."""

from flask import Blueprint

bp = Blueprint("service_centre", __name__)
