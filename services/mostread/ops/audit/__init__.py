"""`mostread audit`: the log counted once more, by other code, against ClickHouse.

It shares with the counting only what an event is (engagement/record.py). An auditor that
used the code it audits would repeat its mistakes.
"""
