"""Several server processes on one database: granian, a bridge, and pages without a browser."""
