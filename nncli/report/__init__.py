"""Events and results to a rich display, plain lines, tables and JSON."""
