#!/bin/sh
# Run by the postgres image when its volume is empty: two databases, and a role that runners use.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v runner_password="$RUNNER_PASSWORD" <<'SQL'
CREATE DATABASE jobs;
CREATE ROLE runner LOGIN PASSWORD :'runner_password';
REVOKE CONNECT ON DATABASE bookwiz FROM PUBLIC;
REVOKE CONNECT ON DATABASE jobs FROM PUBLIC;
GRANT CONNECT ON DATABASE jobs TO runner;
SQL
