"""Batches → outputs: one file a family, no training code; the model folder, read and written."""
