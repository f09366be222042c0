"""The pure core: bytes and values in, values and bytes out, and nothing else."""
