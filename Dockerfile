# Airflow with this provider and the jobs of dags/: every component and every worker pod runs this one image.
#   docker build --tag airflow-mcp .
# Its layers over the base stand in order of how seldom they change: an edited job moves the last one alone, some KB.

# The official image, for its /entrypoint and /clean-logs that Airflow's chart calls. Slim: no provider that no job uses.
ARG BASE=apache/airflow:slim-3.3.2-python3.11

FROM ${BASE} AS build
WORKDIR /tmp/provider
COPY LICENSE README.md pyproject.toml ./
COPY airflow_mcp_provider airflow_mcp_provider
# A wheel carries dags/ for `airflow mcp demo`. Here they come below, where an edit of them costs no other layer.
RUN cp --recursive . /tmp/source && mkdir /tmp/source/dags \
 && pip wheel --quiet --no-cache-dir --no-deps --wheel-dir /tmp/wheels /tmp/source
# Compiled at the place where they will lie, for a .pyc names its source. It is valid as long as the source's time is,
# which COPY keeps.
COPY --chown=50000:0 dags /opt/airflow/dags
RUN python -m compileall -q /opt/airflow/dags
# Without this file each Airflow makes a Fernet key and writes all defaults down at its start, if it may write at all.
RUN echo '# The settings of this Airflow are in its environment.' >/opt/airflow/airflow.cfg

FROM ${BASE}
# The base has no .pyc, its builder removes them: each pod would compile all of Airflow anew, 2 s of a core and more.
USER root
RUN python -B -m compileall -q -j 0 -x '/(tests?|lib2to3|site-packages)/' \
      "$(python -B -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
USER 50000
# What your jobs or your deployment need besides: --build-arg PACKAGES="apache-airflow-providers-fab pandas"
ARG PACKAGES=""
# The base's own constraints are replaced by those that the tests have run with; images made FROM this one use them, too.
COPY --chown=50000:0 constraints.txt /home/airflow/constraints.txt
RUN pip install --quiet --no-cache-dir --constraint /home/airflow/constraints.txt \
      apache-airflow apache-airflow-providers-cncf-kubernetes asyncpg psycopg2-binary ${PACKAGES} \
 && python -m compileall -q -j 0 "$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
COPY --from=build /tmp/wheels /tmp/wheels
RUN pip install --quiet --no-cache-dir --constraint /home/airflow/constraints.txt /tmp/wheels/*.whl && pip check
COPY --from=build --chown=50000:0 /opt/airflow/airflow.cfg /opt/airflow/
COPY --from=build --chown=50000:0 /opt/airflow/dags /opt/airflow/dags
