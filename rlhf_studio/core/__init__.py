"""Domain types, events, errors and settings: plain data that every other layer shares."""
