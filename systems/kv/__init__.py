"""A single durable key-value node, the simplest system that there is: read this one first."""
