"""Data: sources, preprocessing, splits, batches. Importing it registers what each has to choose from."""

from nncli.data import augment, preprocess, sources

__all__ = ["augment", "preprocess", "sources"]
