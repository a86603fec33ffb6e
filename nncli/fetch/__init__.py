"""Known data sets from the network: which there are, where they come from, and downloads that can be resumed."""
