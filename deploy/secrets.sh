#!/bin/sh
# Create the passwords and keys of docker-compose.yml in the folder `secrets`, or another one.
# Existing files stay. Keep the folder private: containers have users of their own, so the files
# in it are readable by everybody who can enter it.
set -eu

folder=${1:-secrets}
umask 077
mkdir -p "$folder"
for name in clickhouse-init clickhouse-aggregator clickhouse-ranking clickhouse-operator \
  clickhouse-analyst visitor-secret session-secret grafana; do
  [ -s "$folder/$name" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' > "$folder/$name"
  chmod 444 "$folder/$name"
done
