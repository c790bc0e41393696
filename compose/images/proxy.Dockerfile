# nginx of Debian, in front of the apis.
ARG BASE_IMAGE=debian:trixie-slim
FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends nginx-light \
 && rm -rf /var/lib/apt/lists/*
COPY config/nginx.conf /etc/nginx/nginx.conf
USER www-data
EXPOSE 8080
ENTRYPOINT ["nginx", "-g", "daemon off;"]
