"""--open: a window on a desktop, an address on a server."""

import webbrowser

import pytest

from kimchi_vision import data
from kimchi_vision.base.messages import catalogue
from kimchi_vision.cli import options
from kimchi_vision.config.sections import Data
from tests.fake_runs import fake_run


@pytest.fixture
def opened(monkeypatch):
    """The pages that a browser was asked for."""
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    return asked


def test_on_a_desktop_the_page_is_opened(opened, tmp_path, capsys):
    options.show(tmp_path / "김치 1.html", catalogue("en"))
    assert opened == [(tmp_path / "김치 1.html").as_uri()]
    assert capsys.readouterr().out == ""


def test_over_ssh_it_is_said_where_the_page_is(opened, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 22")
    options.show(tmp_path / "a.html", catalogue("ko"))
    assert (opened, capsys.readouterr().out) == ([], f"브라우저로 여세요: {(tmp_path / 'a.html').as_uri()}\n")


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_a_mac_and_windows_are_desktops(opened, monkeypatch, tmp_path, system):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setattr(options.sys, "platform", system)
    options.show(tmp_path / "a.html", catalogue("en"))
    assert opened == [(tmp_path / "a.html").as_uri()]


def test_commands_open_their_page(opened, command, folder_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command("data", "check", folder_of({"a": 10, "b": 10}), "--open")
    assert opened.pop() == (tmp_path / "data-check.html").as_uri()
    photos = data.load(Data(path=folder_of({"a": 10, "b": 10})))
    runs = [fake_run(tmp_path / name, photos, seed=seed).path for seed, name in enumerate(("one", "two"))]
    command("report", runs[0], "--open")
    command("compare", *runs, "--open")
    assert [address.rpartition("/")[2] for address in opened] == ["report.html", "compare.html"]
    assert "two" in (tmp_path / "compare.html").read_text(encoding="utf-8")
    for name in ("both.md", "both.html"):
        command("compare", *runs, "--open", "--output", tmp_path / name)
        assert "two" in (tmp_path / name).read_text(encoding="utf-8")
    assert [address.rpartition("/")[2] for address in opened[2:]] == ["compare.html", "both.html"]


def test_a_desktop_of_wayland_is_one_and_a_browser_that_does_not_open_is_none(
    opened, monkeypatch, tmp_path, capsys
):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    page = tmp_path / "a.html"
    options.show(page, catalogue("en"))
    assert (opened, capsys.readouterr().out) == ([page.as_uri()], "")
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    options.show(page, catalogue("en"))
    assert page.as_uri() in capsys.readouterr().out
