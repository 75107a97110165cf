"""Pieces of nginx's configuration, read as a closed dialect: `dialect` has what is understood."""
