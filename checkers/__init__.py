"""From a history to a verdict with evidence: pure functions, data out, no rendering."""
