"""Raft (Ongaro & Ousterhout 2014): the core of consensus with a key-value state machine."""
