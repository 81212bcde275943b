"""One run: operations, faults, recording, gates and the verdict."""
