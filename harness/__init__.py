"""splitbrain: finds the executions in which a distributed system breaks its promises."""
