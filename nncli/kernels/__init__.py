"""Array routines that write into given arrays. No configuration; SciPy is imported inside the functions that use it."""
