"""`mostread audit`: recounts the log by independent code and compares with ClickHouse.

The audit shares with counting only the definitions of events and records (core/events.py and
core/records.py). An audit that used the code under audit would repeat its bugs.
"""
