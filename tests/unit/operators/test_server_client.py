"""What the server refuses reaches the operator as an error of this package, by which its retries are decided."""

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from airflow_mcp_provider.errors import InvalidPayload, InvalidRow
from airflow_mcp_provider.operators.server_client import ServerClient
from airflow_mcp_provider.runtime import store_keys


class Refusing:
    """Airflow's accessor, of a server that answers each request with one error."""

    def __init__(self, detail):
        self.error = ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail)

    def get(self, *_):
        raise AirflowRuntimeError(self.error)

    def set(self, *_):
        raise AirflowRuntimeError(self.error)


@pytest.mark.parametrize(
    ("reason", "status", "error"), [(store_keys.DAMAGED, 409, InvalidRow), (store_keys.MALFORMED, 422, InvalidPayload)]
)
def test_a_reason_of_ours_is_an_error_of_ours(reason, status, error):
    detail = {"status_code": status, "detail": {"detail": {"reason": reason, "message": "invalid mcp.confirm"}}}
    with pytest.raises(error, match=r"^invalid mcp\.confirm$"):
        ServerClient(Refusing(detail)).confirm()


@pytest.mark.parametrize("detail", [None, {}, {"detail": "x"}, {"detail": {"detail": {"reason": "other"}}}])
def test_another_error_stays_as_it_is(detail):
    with pytest.raises(AirflowRuntimeError):
        ServerClient(Refusing(detail)).confirm()
