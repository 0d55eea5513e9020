#!/bin/sh
# Starts Kafka, HDFS and the dashboard on this machine, and waits until they answer. "./music-faker down" stops them.
exec "$(dirname -- "$0")/music-faker" up "$@"
