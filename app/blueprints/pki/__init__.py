"""What programs ask of the certificate authority, and a page about it."""
