import platform

import pytest

from kimchi_vision.base.allocator import keep_memory


def test_it_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("KIMCHI_MALLOC", "off")
    assert not keep_memory()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_glibc_accepts_it(monkeypatch):
    monkeypatch.delenv("KIMCHI_MALLOC", raising=False)
    assert keep_memory()
