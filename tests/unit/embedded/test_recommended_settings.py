import pytest
from airflow.configuration import conf

from airflow_mcp_provider.embedded import recommended_settings
from airflow_mcp_provider.errors import InstallationError


def test_the_comment_above_is_the_reason():
    (one, two) = recommended_settings.parse(
        "# Head.\n\n# Why one,\n# in two lines.\nAIRFLOW__A__B=1\nAIRFLOW__A__C_D=x=y z\n"
    )
    assert one == ("AIRFLOW__A__B", "1", "Why one, in two lines.")
    assert two.value == "x=y z"
    assert two.option == ("a", "c_d")


@pytest.mark.parametrize(
    "line", ["PATH=/bin", "AIRFLOW__CORE=1", "AIRFLOW__CORE__PARALLELISM", "export AIRFLOW__A__B=1"]
)
def test_what_is_no_setting_is_refused_with_its_line(line):
    with pytest.raises(InstallationError, match=r"settings\.env:2"):
        recommended_settings.parse(f"# why\n{line}\n")


@pytest.mark.parametrize("setting", recommended_settings.load(), ids=lambda setting: setting.name)
def test_each_of_our_settings_has_a_reason_and_exists_in_airflow(setting):
    section, option = setting.option
    known = conf.configuration_description[section]["options"][option]
    assert setting.reason
    assert known["default"] != setting.value or option == "logging_level"
