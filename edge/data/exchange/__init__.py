"""One request and its response: its state, and the two halves that carry it."""
