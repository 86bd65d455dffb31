#!/bin/sh
# What each service may do in Kafka, and nothing else; the ranking speaks to no Kafka. Running it
# again changes nothing. Its arguments say how to connect as who may grant:
#
#   deploy/kafka/acls.sh --bootstrap-server kafka:9093 --command-config admin.properties
#
# READ and WRITE bring DESCRIBE with them, and WRITE to a topic what an idempotent producer needs.
set -eu

acls=${KAFKA_ACLS:-kafka-acls.sh}
prefix=${MOSTREAD_KAFKA_TOPIC_PREFIX:-engagement.}
group=${MOSTREAD_AGGREGATOR_GROUP:-mostread-aggregator}

may() { # who, operations joined by commas, then what on
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
  --topic "${prefix}events" --topic "${prefix}articles" --group "$group"
may "${MOSTREAD_AGGREGATOR_USER:-mostread-aggregator}" Write --topic "${prefix}dead-letters"
# For `mostread audit`, `rebuild` and `dead-letters`.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Read,Write \
  --topic "${prefix}events" --topic "${prefix}dead-letters"
# For `mostread doctor` and `status`, which look and change nothing.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Describe,DescribeConfigs \
  --topic "${prefix}events" --topic "${prefix}articles" --topic "${prefix}dead-letters"
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Describe --group "$group" --cluster
# For `mostread restore`, which lets the group read the articles again.
may "${MOSTREAD_OPERATOR_USER:-mostread-operator}" Read --topic "${prefix}articles" --group "$group"
