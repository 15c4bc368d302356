"""Model + objective + optimizer → one step better."""
