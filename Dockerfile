# The router as a container. The configuration is mounted at /etc/wampd/config.yaml:
#
#   docker build -t wampd .
#   docker run --init --read-only --tmpfs /run/wampd --cap-drop ALL -p 8080:8080 -v "$PWD:/etc/wampd:ro" -v wampd:/var/lib/wampd wampd
#
# Its endpoint must listen on more than the loopback interface there, for example `tcp:8080`. docs/operation.md has the rest.

# To be raised with care, and with the digest of the image where that is required: python:…@sha256:….
ARG PYTHON=3.13.9-slim-bookworm

FROM python:${PYTHON} AS build
COPY . /src
RUN /src/docker/build.sh /src /opt/wampd

FROM python:${PYTHON}
COPY docker/user.sh /tmp/user.sh
RUN /tmp/user.sh && rm /tmp/user.sh
COPY --from=build /opt/wampd /opt/wampd
# Written to are /var/lib/wampd (the store, if there is one) and /run/wampd (the private socket), and nothing else.
ENV PATH=/opt/wampd/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 RUNTIME_DIRECTORY=/run/wampd/control
USER 8080:8080
WORKDIR /var/lib/wampd
VOLUME /var/lib/wampd
EXPOSE 8080
STOPSIGNAL SIGTERM
# The router itself says whether it is ready, over its private socket: whatever its ports, TLS and paths are.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["wampd", "status", "/etc/wampd/config.yaml"]
ENTRYPOINT ["wampd"]
CMD ["run", "/etc/wampd/config.yaml"]
