"""Workloads: which operations to run and which model decides them."""
