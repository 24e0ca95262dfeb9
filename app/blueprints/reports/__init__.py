"""Lists for agents of the registration authority."""
