"""The local cluster: a process a node under one supervisor, a proxy on every directed link."""
