"""Invariants over the notes of a protocol's nodes."""
