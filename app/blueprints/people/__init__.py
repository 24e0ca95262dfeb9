"""Finding people, and one person's page, for agents of the registration authority."""
