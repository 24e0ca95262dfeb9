"""The first page: what the person can do from here."""
