"""One module a kind of run: fetch its data from the store, call the layer that does it, store the result.

Each has `run(settings, store, record, context) -> result`; the worker finds it by the kind's name.
"""
