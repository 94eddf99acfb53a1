# Hydro in a container: the service and its collectors. The site is a folder that is mounted at /site.
FROM python:3.12-slim
COPY --from=ghcr.io/astral-sh/uv:0.9 /uv /usr/local/bin/uv
WORKDIR /opt/hydro
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy PATH=/opt/hydro/.venv/bin:$PATH
COPY . .
RUN uv sync --frozen --no-dev --no-editable && useradd --create-home --uid 10001 hydro
USER hydro
VOLUME /site
# It listens on loopback, so it wants the host's network. With a network of its own it needs users, and TLS or a proxy:
# hydro serve /site --host 0.0.0.0 --certificate PEM --key PEM
CMD ["hydro", "serve", "/site", "--port", "8080"]
