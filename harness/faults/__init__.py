"""Faults, schedules of faults, and the nemesis that carries a plan out."""
