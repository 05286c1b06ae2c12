"""What leaves a run: proven model files, and what answers with them; the runtime needs no torch."""
