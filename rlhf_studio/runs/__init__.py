"""Runs that outlive the browser and the server: prepared, queued, worked off by detached processes."""
