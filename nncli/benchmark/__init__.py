"""Measuring what training costs: node by node, as a whole, and against PyTorch."""
