"""Peer: FastAPI and kafka-python, awaiting each acknowledgement.

Port, brokers and topic are the arguments.
"""

import sys
from typing import Literal

import uvicorn
from fastapi import FastAPI
from kafka import KafkaProducer
from pydantic import BaseModel

port, brokers, topic = sys.argv[1:]
app = FastAPI()
producer = KafkaProducer(bootstrap_servers=brokers, acks="all")


class Event(BaseModel):
    """An event."""

    id: str
    type: Literal["view", "comment", "like"]
    article_id: str
    timestamp: int


# Not `async`: FastAPI then runs it in its pool of forty threads.
@app.post("/v1/events", status_code=202)
def accept(event: Event) -> dict[str, int]:
    value = event.model_dump_json().encode()
    producer.send(topic, value, key=event.article_id.encode()).get(timeout=10)
    return {"accepted": 1}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)
