"""Everything that uses Faust or aiokafka.

`app` runs the consumer group and passes messages to the worker, `event_topic` reads the topic
outside the group, and `assignment` defines the types that the rest of the aggregator uses. No
other module of mostread imports faust, mode or aiokafka.
"""
