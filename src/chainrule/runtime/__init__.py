"""Device, precision, random draws, processes, FLOPs and the machine's peak; nothing about models or data."""
