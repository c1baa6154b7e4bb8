# The engine, without a compiler, as a user without rights. The tests' own stage is not part of the image that
# is built by default.
#
#   docker build --tag star-schema-engine .
#   docker run --rm --volume ./mappings:/app/mappings:ro star-schema-engine validate mappings/star.yml
#
# For calendars with a locale or holidays: docker build --build-arg EXTRAS=calendar …, which adds 50 MB.

FROM python:3.13-slim AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
ARG EXTRAS=
WORKDIR /build
RUN python -m venv --without-pip /opt/engine
# What setup.cfg declares, at the versions of constraints.txt; this layer stays while only the code changes.
COPY setup.cfg pyproject.toml constraints.txt README.md LICENSE ./
COPY engine/__init__.py engine/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/engine/bin/python install --quiet --constraint constraints.txt ".${EXTRAS:+[$EXTRAS]}"
COPY engine engine
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/engine/bin/python install --quiet --no-deps --force-reinstall . \
 && find /opt/engine -type d -name tests -prune -exec rm -rf {} + \
 && /opt/engine/bin/python -I -c 'from engine.sql.render import compile_all; compile_all()'

# pytest beside the engine, for docker-compose.test.yml; the tests themselves are mounted.
FROM build AS test
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/engine/bin/python install --quiet --constraint constraints.txt '.[test]'
ENV PATH=/opt/engine/bin:$PATH PYTHONDONTWRITEBYTECODE=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin engine
USER engine
WORKDIR /app
ENTRYPOINT ["python", "-m", "pytest"]

FROM base
# A number, so that a platform that asks for a user other than root can see that it is one.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin engine \
 && install --directory --owner engine --group engine /app/logs
COPY --from=build /opt/engine /opt/engine
ENV PATH=/opt/engine/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER 10001
ENTRYPOINT ["engine"]
CMD ["run", "mappings/star.yml"]
