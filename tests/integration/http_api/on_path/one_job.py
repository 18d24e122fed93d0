"""An auth manager with a user who may do everything with one DAG, and nothing with another: Airflow's simple one has none."""

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

USER, JOB = "otto", "once"


class OneJob(SimpleAuthManager):
    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        named = details.id if details else None
        if user.get_name() == USER and named not in {None, JOB}:
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
