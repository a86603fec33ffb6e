"""Data: sources, preprocessing, splits, batches. Importing it registers sources and preprocessing steps."""

from nncli.data import preprocess, sources

__all__ = ["preprocess", "sources"]
