# The router as a container. The configuration is mounted at /etc/wampd/config.yaml:
#
#   docker build -t wampd .
#   docker run -p 8080:8080 -v "$PWD/config.yaml:/etc/wampd/config.yaml:ro" wampd
#
# Its endpoint must listen on more than the loopback interface there, for example `tcp:8080`.

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE CHANGELOG.md config.yaml ./
COPY wampd ./wampd
RUN python -m venv /opt/wampd && /opt/wampd/bin/pip install --no-cache-dir .

FROM python:3.13-slim
RUN useradd --system --uid 8080 --user-group --no-create-home --shell /usr/sbin/nologin wampd
COPY --from=build /opt/wampd /opt/wampd
ENV PATH=/opt/wampd/bin:$PATH PYTHONUNBUFFERED=1
USER wampd
WORKDIR /etc/wampd
EXPOSE 8080
STOPSIGNAL SIGTERM
# Any HTTP answer shows that the router's loop turns; an open port alone would not. WAMPD_PORT: where it listens.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('WAMPD_PORT', 8080)), timeout=2); c.request('HEAD', '/'); c.getresponse()"]
ENTRYPOINT ["wampd"]
CMD ["run", "/etc/wampd/config.yaml"]
