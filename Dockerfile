# Crosswind as a service: mount a configuration at /etc/crosswind/crosswind.toml.
#
#   docker build -t crosswind .
#   docker run -p 31337:31337 -v ./crosswind.toml:/etc/crosswind/crosswind.toml:ro crosswind

FROM python:3.13-slim AS build

WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY connectors connectors
COPY planner planner
COPY execution execution
COPY flight_server flight_server
COPY demo demo
RUN python -m venv /opt/crosswind \
    && /opt/crosswind/bin/pip install --no-cache-dir . \
    && /opt/crosswind/bin/pip uninstall --yes pip

FROM python:3.13-slim

LABEL org.opencontainers.image.title="Crosswind" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN groupadd --gid 10001 crosswind \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
       --shell /usr/sbin/nologin crosswind

COPY --from=build /opt/crosswind /opt/crosswind

ENV PATH="/opt/crosswind/bin:$PATH" \
    PYTHONUNBUFFERED=1

USER 10001:10001
EXPOSE 31337
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["crosswind", "query", "--url", "grpc://127.0.0.1:31337", "SELECT 1"]

ENTRYPOINT ["crosswind"]
CMD ["serve", "-c", "/etc/crosswind/crosswind.toml", "--listen", "grpc://0.0.0.0:31337"]
