"""Runs in simulation by the thousand: drawing, running, judging, shrinking and replaying them."""
