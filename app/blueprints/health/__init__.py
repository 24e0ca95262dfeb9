"""For whoever watches over the service."""
