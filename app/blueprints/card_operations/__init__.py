"""The one way in for the results of cards, and the one place where a stopped operation goes on."""
