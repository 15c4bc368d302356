"""This program and its peers, in turns, in one run."""
