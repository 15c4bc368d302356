"""Outputs → report: figures beside a baseline's, measured bands, plots, the model card."""
