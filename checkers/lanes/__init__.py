"""Ways to decide the calls of one key; each says what it can decide, and proves what it says."""
