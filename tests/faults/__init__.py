"""Faults of every component under steady traffic, and a ledger of what must be counted.

`python -m tests.faults` runs a schedule of them (`make chaos`); the tests here run each alone.
"""
