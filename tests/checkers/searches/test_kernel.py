"""The kernel and the search depth first say what brute force says, and prove it."""
