"""Requests to the registration authority, for those who act on them."""
