"""Formats of access logs: one module per family, `detection` chooses among them."""
