"""Benchmarks: `python -m tests.benchmarks` measures, and prints the table of the README. No test is in here."""
