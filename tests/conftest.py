"""The same for all tests: no network, and one thread.

Two threads of a tiny model wait for each other longer than they compute. Set before torch is
loaded, and inherited by the workers that tests start.
"""

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
