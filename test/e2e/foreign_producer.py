"""Writes messages with kafka-python. Arguments as ForeignProducer.java takes them; how: "none" or "gzip"."""

import base64
import sys

from kafka import KafkaProducer

brokers, topic, plan = sys.argv[1:]
lots = {}
with open(plan) as lines:
    for line in lines:
        how, value = line.split()
        lots.setdefault(how, []).append(None if value == "-" else base64.b64decode(value[1:]))

for how, values in lots.items():
    producer = KafkaProducer(
        bootstrap_servers=brokers,
        compression_type=None if how == "none" else how,
        max_request_size=4_000_000,
    )
    results = [producer.send(topic, value=value, key=b"key") for value in values]
    for result in results:
        result.get(timeout=20)
    producer.close()
