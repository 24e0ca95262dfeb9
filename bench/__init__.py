"""How fast it is, against what it could be at best. Prints figures and asserts nothing."""
