"""Streams: connections and datagrams relayed as they come, without HTTP. How they are accepted is no matter here."""
