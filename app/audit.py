"""Rows of the audit log: written in the transaction of the action they tell of."""
