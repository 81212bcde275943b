"""The configuration graph for small state spaces, in words of 64 bits, compiled where that pays."""
