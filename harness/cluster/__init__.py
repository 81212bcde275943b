"""Where nodes live: one package a backend."""
