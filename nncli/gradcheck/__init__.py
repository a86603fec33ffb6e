"""Numeric checks of layers, losses and whole programs."""
