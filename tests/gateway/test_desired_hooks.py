"""Desired hooks: an invalid configuration is refused with the place of the error."""

import pytest

from workers.settings import WorkerSettings


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[[hook]]\nevent_type = 'sms.mms'", "hook 1: event_type", id="a dot"),
        pytest.param("[[hook]]\nrequest_method = 'PUT'", "hook 1: request_method", id="a method"),
        pytest.param("[[hook]]\n[[hook]]\nevnt_type = 'dlr'", "hook 2: evnt_type", id="a name"),
        pytest.param("[[hook]]\n[[hook]]", "same event_type and event_filter", id="twice"),
        pytest.param("[[hook]]\nheaders = 'nonsense'", "hook 1: headers", id="a header"),
        pytest.param("hooks = 1", "[[hook]]", id="no hooks"),
        pytest.param("[[hook", "invalid TOML", id="no toml"),
    ],
)
def test_an_invalid_configuration_is_refused(text: str, reason: str):
    """The error names the invalid hook and its field."""
    with pytest.raises(ValueError, match=reason.replace("[", r"\[")):
        WorkerSettings(seven_hooks=text)
