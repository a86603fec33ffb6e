"""The game of a generator and a discriminator. It yields events and prints nothing."""
