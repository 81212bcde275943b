"""The independent verifier of certificates; it shares no code with the searches."""
