"""Steps → run: the loop, checkpoints, exact resume, progress, the run directory."""
