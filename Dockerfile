# The service: docker build -t palate . (docs/how-to/serve.md says how to run it).
# scripts/image tests these steps without Docker.
FROM python:3.12-slim AS build
ENV PIP_NO_CACHE_DIR=1
RUN apt-get update && apt-get install -y --no-install-recommends g++
WORKDIR /source
COPY CMakeLists.txt LICENSE README.md pyproject.toml ./
COPY native native
COPY src src
RUN pip wheel --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
ENV PIP_NO_CACHE_DIR=1
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    pip install --only-binary :all: "$(echo /wheels/*.whl)[web]"
RUN useradd --uid 10001 --create-home palate
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz')"]
ENTRYPOINT ["palate"]
CMD ["explore", "/model", "--host", "0.0.0.0", "--no-browser", "--reload-model", "--access-log"]
