"""Pieces of nginx's configuration, parsed as a closed dialect: `dialect` has the supported directives."""
