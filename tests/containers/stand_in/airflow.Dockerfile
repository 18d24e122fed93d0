# Stands in for the official image where no registry is: the same user, folders, programs and variables, made of Debian's Python.
FROM stand-in-debian
ARG AIRFLOW_VERSION
ENV AIRFLOW_HOME=/opt/airflow AIRFLOW_USER_HOME_DIR=/home/airflow VIRTUAL_ENV=/home/airflow/.local \
    PATH=/home/airflow/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DUMB_INIT_SETSID=1 \
    AIRFLOW_VERSION=${AIRFLOW_VERSION} AIRFLOW__CORE__LOAD_EXAMPLES=false
RUN useradd --uid 50000 --gid 0 --create-home --home-dir /home/airflow airflow \
 && mkdir --parents /opt/airflow/dags /opt/airflow/logs && chown --recursive 50000:0 /opt/airflow && chmod --recursive g+rwX /opt/airflow
COPY entrypoint clean-logs /
USER 50000
COPY --chown=50000:0 constraints.txt /home/airflow/constraints.txt
# Like the official one without a single .pyc: it is our own Dockerfile that must make them.
RUN python3 -m venv /home/airflow/.local \
 && pip install --quiet --no-cache-dir --no-compile --constraint /home/airflow/constraints.txt "apache-airflow==${AIRFLOW_VERSION}" \
 && find /home/airflow/.local -name __pycache__ -prune -exec rm --recursive {} +
WORKDIR /opt/airflow
EXPOSE 8080
ENTRYPOINT ["/usr/bin/dumb-init", "--", "/entrypoint"]
CMD []
