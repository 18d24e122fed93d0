from airflow_mcp_provider.dag import Retries, job


def find(params):
    return range(params["count"])


def total(outcomes):
    return sum(one.result for one in outcomes)


@job(
    plan=find,
    report=total,
    params={"count": {"type": "integer", "default": 3}},
    retries=Retries(attempts=2, delay="1s"),
)
def double(item: int) -> int:
    """Double a number."""
    return item * 2
