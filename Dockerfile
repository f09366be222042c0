# The gateway as an image, without nginx (deploy/compose.yaml puts it in front):
#
#     docker build -t claude-gateway .
#     docker run --rm -p 127.0.0.1:8000:8000 claude-gateway        # demo mode: open http://localhost:8000
#
# A key is given at run time and never while building: see deploy/README.md.

FROM python:3.13-slim AS build

# Byte code now rather than at each start: the root of a running container is read-only.
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/claude-gateway
RUN pip install --no-cache-dir uv==0.13.8

WORKDIR /src
# What changes seldom comes first: a change of the gateway itself builds only the last layers again.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project --no-cache
COPY README.md LICENSE ./
COPY app app
COPY static static
COPY deploy/build_hook.py deploy/build_hook.py
RUN uv sync --frozen --no-dev --no-editable --no-cache


FROM python:3.13-slim

# Neither uv nor a compiler ever was in this stage; pip came with Python, and a gateway installs nothing.
RUN pip uninstall --yes pip
COPY --from=build /opt/claude-gateway /opt/claude-gateway

# All of a container's addresses are its own: who can come in is decided where the port is published. The gateway keeps
# its rule: with a key, and nobody signing in, it refuses to start here unless GATEWAY_ALLOW_ANONYMOUS says that it may.
# Logs of containers are read by programs: a JSON object a line, as nginx beside it writes.
ENV PATH=/opt/claude-gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GATEWAY_HOST=0.0.0.0 \
    GATEWAY_PORT=8000 \
    GATEWAY_LOG_FORMAT=json

# A number needs no account, and lets an orchestrator see that it is not root. All files here are root's.
USER 10001:10001
WORKDIR /opt/claude-gateway
EXPOSE 8000

# SIGTERM drains: open streams are finished, for at most GATEWAY_DRAIN_TIMEOUT (30 s). Docker kills after 10 s unless told otherwise:
# docker run --stop-timeout 45
STOPSIGNAL SIGTERM

# http.client rather than urllib.request, which would ask a proxy named in the environment for 127.0.0.1.
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-Ic", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['GATEWAY_PORT']), timeout=2); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["claude-gateway"]
