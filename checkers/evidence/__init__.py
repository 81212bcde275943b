"""From a refutation to what people can be shown: the few calls that contradict each other, and why."""
