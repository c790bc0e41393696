#!/bin/sh
# Makes the secrets of compose.yaml, once: a password for RabbitMQ and one for Valkey.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p -m 700 secrets
mkdir -p published/models published/scripts published/plugins published/projects
[ -e secrets/broker_url ] && exit 0
random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
broker=$(random)
store=$(random)
printf 'default_user = qanat\ndefault_pass = %s\n' "$broker" >secrets/rabbitmq.conf
printf 'requirepass %s\n' "$store" >secrets/valkey.conf
printf 'redis://:%s@valkey:6379/1' "$store" >secrets/store_url
printf 'amqp://qanat:%s@rabbitmq:5672//' "$broker" >secrets/broker_url
echo "made compose/secrets; keep them, and keep them to yourself" >&2
