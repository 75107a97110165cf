"""Endpoints: the choice among them, their health, connections to them, retries."""
