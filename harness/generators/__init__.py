"""Composable, pure generators of operations."""
