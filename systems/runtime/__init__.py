"""The process runtime: drives one node as a real process."""
