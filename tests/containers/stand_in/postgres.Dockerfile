# Stands in for the official Postgres image: the same variables, user and folders, with Debian's version of Postgres.
FROM stand-in-debian
ENV PGDATA=/var/lib/postgresql/data PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
RUN groupadd --system --gid 999 postgres && useradd --system --uid 999 --gid 999 --home-dir /var/lib/postgresql postgres \
 && mkdir --parents /etc/postgresql-common && echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf \
 && apt-get update -qq && apt-get install -qq --no-install-recommends postgresql-15 >/dev/null && rm --recursive /var/lib/apt/lists/* \
 && install --directory --owner postgres --group postgres --mode 3777 /var/run/postgresql \
 && install --directory --owner postgres --group postgres --mode 1777 "$PGDATA"
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["/usr/local/bin/docker-entrypoint.sh"]
CMD ["postgres"]
