"""The GPUs that a runner announces: those the driver starts with, whatever device nodes there are."""

import subprocess

import pytest

from runner import gpus


class Driver:
    """Stands in for libcuda with the given cards; *error* is what it starts with."""

    def __init__(self, *cards, error=0):
        self.cards, self.error = cards, error

    def cuInit(self, _flags):  # noqa: N802 - the driver's name
        return self.error

    def cuDeviceGetCount(self, count):  # noqa: N802
        count._obj.value = len(self.cards)
        return 0

    def cuDeviceGet(self, device, number):  # noqa: N802
        device._obj.value = number
        return 0

    def cuDeviceGetName(self, name, _size, device):  # noqa: N802
        name.value = self.cards[device.value].encode()
        return 0


@pytest.fixture(autouse=True)
def _cells_with_a_gpu(monkeypatch):
    monkeypatch.setattr(gpus, "PROVIDERS", ("CUDAExecutionProvider", gpus.CPU))


def test_a_card_that_no_cell_computes_on_is_not_announced(monkeypatch):
    monkeypatch.setattr(gpus, "_DRIVER", "libc.so.6")
    answer = subprocess.CompletedProcess((), 0, stdout="NVIDIA L4")
    monkeypatch.setattr(gpus.subprocess, "run", lambda *_, **__: answer)
    assert gpus.gpus() == ("NVIDIA L4",)
    monkeypatch.setattr(gpus, "PROVIDERS", (gpus.CPU,))
    assert gpus.gpus() == ()


def test_a_host_without_the_driver_has_none(monkeypatch):
    monkeypatch.setattr(gpus, "_DRIVER", "libnone-of-that-name.so.1")
    assert gpus.gpus() == ()


def test_every_card_is_named(monkeypatch):
    monkeypatch.setattr(gpus.ctypes, "CDLL", lambda _: Driver("NVIDIA L4", "NVIDIA T4"))
    assert gpus._of_driver() == ["NVIDIA L4", "NVIDIA T4"]


def test_a_driver_that_does_not_start_is_no_gpu(monkeypatch):
    monkeypatch.setattr(gpus.ctypes, "CDLL", lambda _: Driver("NVIDIA L4", error=100))
    with pytest.raises(OSError, match="does not start"):
        gpus._of_driver()


def test_what_the_process_of_its_own_says_is_believed_only_if_it_ended_well(monkeypatch):
    monkeypatch.setattr(gpus, "_DRIVER", "libc.so.6")  # a library that is there
    monkeypatch.setattr(gpus.sys, "executable", "false")
    assert gpus.gpus() == ()
