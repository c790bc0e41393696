# RabbitMQ of Debian. Its user and password come from a file: /run/secrets/rabbitmq_conf.
ARG BASE_IMAGE=debian:trixie-slim
FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends rabbitmq-server \
 && rm -rf /var/lib/apt/lists/* \
 && install -d /etc/rabbitmq/conf.d && ln -s /run/secrets/rabbitmq_conf /etc/rabbitmq/conf.d/50-secret.conf
COPY config/rabbitmq.conf /etc/rabbitmq/conf.d/10-qanat.conf
USER rabbitmq
ENV HOME=/var/lib/rabbitmq
EXPOSE 5672
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s CMD ["rabbitmq-diagnostics", "-q", "ping"]
ENTRYPOINT ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
