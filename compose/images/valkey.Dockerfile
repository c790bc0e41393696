# Valkey, or Redis where Debian has no Valkey yet. Its password comes from a file: /run/secrets/valkey_conf.
ARG BASE_IMAGE=debian:trixie-slim
FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && (DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends valkey-server \
     || DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends redis-server) \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s "$(command -v valkey-server || command -v redis-server)" /usr/local/bin/store \
 && useradd --uid 10002 --user-group --no-create-home store \
 && install -d -o store -g store /var/lib/valkey
COPY config/valkey.conf /etc/qanat/valkey.conf
USER 10002:10002
EXPOSE 6379
ENTRYPOINT ["store", "/etc/qanat/valkey.conf"]
