"""The one blueprint of these pages; their addresses begin in two places."""

from flask import Blueprint

bp = Blueprint("manage_smartcard", __name__)
