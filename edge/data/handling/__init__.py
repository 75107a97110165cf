"""The way of one request: match, policies, endpoint, relay, account."""
