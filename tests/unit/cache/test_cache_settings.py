"""Settings of the cache: a URL or parts, one sentence for each thing that is wrong, no secret in any."""

import pytest

from engine.cache.settings import cache_settings
from engine.errors import SettingsError
from engine.logs import redact

SECRET = "geheim/42@x"


def test_without_settings_there_is_none():
    assert cache_settings({}) is None
    assert cache_settings({"REDIS_URL": "", "REDIS_HOST": ""}) is None


def test_parts():
    found = cache_settings({"REDIS_HOST": "h", "REDIS_USER": "u", "REDIS_PASSWORD": SECRET})
    assert (found.host, found.port, found.database, found.user) == ("h", 6379, 0, "u")
    assert found.secret.reveal() == SECRET
    assert SECRET not in repr(found)
    assert redact(f"no {SECRET}") == "no ***"


def test_a_url_and_a_password_file(tmp_path):
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    found = cache_settings(
        {"REDIS_URL": "rediss://h:7000/3?ssl_cert_reqs=none"} | {"REDIS_PASSWORD_FILE": str(file)}
    )
    assert (found.describe(), found.tls, found.options) == (
        "h:7000/3",
        True,
        (("ssl_cert_reqs", "none"),),
    )
    assert found.secret.reveal() == SECRET
    plain = cache_settings({"REDIS_URL": "redis://u%40x:geheim%2F42%40x@[::1]:1"})
    assert (plain.describe(), plain.user, plain.tls) == ("[::1]:1/0", "u@x", False)
    assert plain.secret.reveal() == SECRET


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"PORT": "1"}, "REDIS_HOST: is missing: give it, or REDIS_URL in the form redis://"),
        ({"HOST": "h", "PORT": "x"}, "REDIS_PORT: this is no port number from 1 to 65535"),
        ({"HOST": "h", "PORT": "0"}, "REDIS_PORT: this is no port number from 1 to 65535"),
        ({"HOST": "h", "PORT": "tcp://10.0.0.1:6379"}, "Kubernetes sets it"),
        ({"HOST": "h", "DB": "-1"}, "REDIS_DB: this is no number of a database"),
        ({"HOST": "h\n"}, "REDIS_HOST: holds a control character"),
        ({"URL": "http://h"}, "REDIS_URL: cannot be read as redis://user:password@host:port/0"),
        ({"URL": f"redis://:{SECRET}"}, "REDIS_URL: cannot be read as"),
        ({"URL": "redis://h:99999"}, "REDIS_URL: cannot be read as"),
        ({"URL": "redis://h/x"}, "REDIS_URL: this is no number of a database"),
        ({"URL": "redis://h?ssl_cert_reqs=none"}, "an option is not known, or needs rediss://"),
        ({"URL": "rediss://h?ssl_ca_cert=x"}, "did you mean 'ssl_ca_certs'?"),
        ({"URL": "rediss://h?ssl_cert_reqs=all"}, "ssl_cert_reqs is none, optional or required"),
        ({"URL": "redis://h", "HOST": "h"}, "REDIS_HOST: REDIS_URL is given too; drop one"),
        ({"HOST": "h", "PASSWORD_FILE": "/none"}, "REDIS_PASSWORD_FILE: cannot read /none"),
        ({"HOST": "h", "PASSWORD_FILE": "/none", "PASSWORD": "x"}, "drop one of the two"),
    ],
)
def test_what_is_wrong_is_said(given, what):
    with pytest.raises(SettingsError) as raised:
        cache_settings({f"REDIS_{part}": value for part, value in given.items()})
    assert what in str(raised.value)
    assert SECRET not in str(raised.value)
