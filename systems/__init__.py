"""Reference systems under test, and the contract that a system follows.

Standard library only, and no import of the harness: this package is shipped to a
host as one zipapp and runs there alone. See `contract` for what a node is.
"""
