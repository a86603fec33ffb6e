"""Configurations to begin with: from what data look like to the YAML text of a network that suits them."""
