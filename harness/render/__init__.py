"""Verdicts, witnesses and progress as text for people."""
