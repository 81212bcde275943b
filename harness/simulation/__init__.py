"""The simulated cluster: the same nodes, clients and fault plans in one thread and virtual time."""
