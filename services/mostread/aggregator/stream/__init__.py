"""The only door to Faust and aiokafka: assignments, messages, and the events topic.

`app` runs the consumer group and hands messages to the worker, `event_topic` reads the topic
outside the group, `assignment` holds the types that cross the door. No other module of mostread
imports faust, mode or aiokafka.
"""
