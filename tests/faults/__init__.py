"""Faults of every part under steady traffic, and a ledger that says what must be counted.

`python -m faults` plays a schedule of them (`make chaos`); the tests here play each alone.
"""
