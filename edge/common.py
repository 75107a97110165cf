"""Imports of both control plane and proxy, which `edge run` imports before it forks them."""

# ruff: noqa: F401
import hmac
import html
import http.client
import queue
import socketserver
import ssl

import edge.system.draining
import edge.system.openssl
import edge.table.access_logging
import edge.table.bindings
import edge.table.counters
import edge.table.counters_reader
import edge.table.fields
import edge.table.networks
import edge.table.parameters
import edge.table.paths
import edge.table.patterns.cost
import edge.table.patterns.matching
import edge.table.policies
import edge.table.reader
import edge.table.records
import edge.table.remotes
import edge.table.salvage
import edge.table.streams
import edge.table.templates
import edge.table.users
import edge.table.variables
import edge.table.watched
