"""Wrong and hostile input, made by the thousand: every command ends well, or with a reason and the right exit code.

A case is a number of a format: its seed, its format and its number say what it is, so that any can be run again. What
is asked of each command of a case is in `verdict`, what it is run in and watched by in `workers`.
"""
