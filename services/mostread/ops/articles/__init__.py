"""Descriptions of articles from files and from the publisher's feeds, sent to the collector."""
