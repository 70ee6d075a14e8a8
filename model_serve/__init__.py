"""Serving the LM: profiles, vLLM's command line, Modal, a local server, a benchmark and a cost model.

The notebook speaks to what runs here over HTTP alone. Nothing here imports ``t2s_magic``, and nothing there imports
this. Whatever runs beside vLLM or Modal uses the standard library only, so that it fits into their environments.
"""
