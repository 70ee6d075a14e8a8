"""Stands in for vLLM where only the life of its process is tested: first on PYTHONPATH, it is what gets started."""
