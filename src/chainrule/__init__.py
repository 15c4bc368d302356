"""Every classic deep-learning system as software that works."""
