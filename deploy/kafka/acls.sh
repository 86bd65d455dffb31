#!/bin/sh
# Grant each service its minimal permissions in Kafka; the ranking service needs none. Repeating it
# changes nothing. Pass the connection of an administrator:
#
#   deploy/kafka/acls.sh --bootstrap-server kafka:9093 --command-config admin.properties
#
# READ and WRITE include DESCRIBE; WRITE to a topic includes the rights of an idempotent producer.
set -eu

acls=${KAFKA_ACLS:-kafka-acls.sh}
prefix=${MOSTREAD_KAFKA_TOPIC_PREFIX:-engagement.}
group=${MOSTREAD_AGGREGATOR_GROUP:-mostread-aggregator}

may() { # user, comma-separated operations, resource
  who=$1 operations=$2
  shift 2
  set -- --add --allow-principal "User:$who" "$@"
  for operation in $(echo "$operations" | tr , ' '); do
    set -- "$@" --operation "$operation"
  done
  "$acls" $connection "$@" >/dev/null
  echo "$who: $operations"
}

[ $# -gt 0 ] || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2; exit 2; }
for argument; do
  case $argument in *' '*) echo "an argument with a blank: $argument" >&2; exit 2 ;; esac
done
connection=$*

may "${MOSTREAD_INIT_USER:-mostread-init}" Create,Describe,DescribeConfigs \
  --topic "${prefix}events" --topic "${prefix}articles" --topic "${prefix}dead-letters"
may "${MOSTREAD_COLLECTOR_USER:-mostread-collector}" Write \
  --topic "${prefix}events" --topic "${prefix}articles"
may "${MOSTREAD_AGGREGATOR_USER:-mostread-aggregator}" Read \
  --topic "${prefix}events" --topic "${prefix}articles" \
  --group "$group" --group "$group-articles"
may "${MOSTREAD_AGGREGATOR_USER:-mostread-aggregator}" Write --topic "${prefix}dead-letters"
# For the metrics of the brokers' disks.
may "${MOSTREAD_AGGREGATOR_USER:-mostread-aggregator}" Describe --cluster
# For `mostread audit`, `rebuild` and `dead-letters`.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Read,Write \
  --topic "${prefix}events" --topic "${prefix}dead-letters"
# For `mostread doctor` and `status`, which only read.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Describe,DescribeConfigs \
  --topic "${prefix}events" --topic "${prefix}articles" --topic "${prefix}dead-letters"
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Describe \
  --group "$group" --group "$group-articles" --cluster
# For `mostread forget`.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Write --topic "${prefix}articles"
# For `mostread restore`, which resets the group of the articles to read them again.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Read \
  --topic "${prefix}articles" --group "$group-articles"
