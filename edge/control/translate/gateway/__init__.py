"""Translates objects of the Gateway API with the objects that they refer to: a Gateway's certificates, an HTTPRoute's
routes.

What belongs here: what a Gateway or an HTTPRoute asks for, as the same `Translation` that an Ingress has. What does
not: which of them to translate again after a change (`edge.control.compiling.gateways`), and conflicts.

Each filter is a module with TYPE and `read`; `filters` lists them.
"""
