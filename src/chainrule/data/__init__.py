"""Origins → checked examples: named data sets, own files, splits, tokenizers, the order of the data."""
