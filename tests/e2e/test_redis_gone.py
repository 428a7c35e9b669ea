"""Redis goes away under a real server: reading goes on, and so does signing in, within limits (S56)."""

import pytest

from tests.api import ME, PASSWORD, REGISTER
from tests.live import serving
from tests.redis_server import redis_server

SIGN_IN = "mutation ($input: TokenAuthInput!) { tokenAuth(input: $input) { tokens { accessToken } errors { code } } }"
ADA = {"email": "ada@example.com", "username": "ada", "firstName": "Ada", "password": PASSWORD}
PER_PAIR = 10


@pytest.mark.parametrize("end", ["stop", "hang"])
def test_the_service_goes_on_and_limits_by_itself(tmp_path, end):
    """S56, S92: a Redis that is gone, and one that takes connections and answers nothing."""
    home, elsewhere = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "198.51.100.1"}
    with (
        redis_server(tmp_path) as redis,
        serving(tmp_path, CACHE_URL=f"redis://127.0.0.1:{redis.port}/0", TRUSTED_PROXIES="1") as live,
    ):

        def sign_in(password, headers):
            answer = live.post(SIGN_IN, headers=headers, input={"email": ADA["email"], "password": password})[1]
            return [error["code"] for error in answer["data"]["tokenAuth"]["errors"]]

        token = live.post(REGISTER, input=ADA)[1]["data"]["register"]["tokens"]["accessToken"]
        assert [sign_in("wrong", home) for _ in range(3)] == [["INVALID_CREDENTIALS"]] * 3

        getattr(redis, end)()

        failures = [sign_in("wrong", home) for _ in range(PER_PAIR + 2)]
        assert failures == [["INVALID_CREDENTIALS"]] * PER_PAIR + [["RATE_LIMITED"]] * 2
        assert sign_in(PASSWORD, elsewhere) == []
        for _ in range(20):
            assert live.post(ME, headers={"Authorization": f"Bearer {token}"})[1]["data"]["me"]
        log = live.log.read_text()

    assert log.count("Redis is unavailable: until it is back, each process limits attempts by itself") == 1
    assert "Traceback" not in log
