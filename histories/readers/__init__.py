"""Readers of history files, one format a module; all of them stream."""
