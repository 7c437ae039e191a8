"""Which GPUs a runner's cells compute on: the driver is asked, device nodes are not believed.

CUDA must not be initialised in a process that forks, as a runner does for its cells. So the driver
is started in a process of its own that ends at once.
"""

import ctypes
import subprocess
import sys

from runner.predict.providers import CPU, PROVIDERS

_DRIVER = "libcuda.so.1"
_SECONDS = 30.0  # a cold driver takes several
_NAME_BYTES = 100
_MOST = 16


def gpus() -> tuple[str, ...]:
    """Names such as "NVIDIA H100 80GB HBM3", one for each.

    None where there is no driver, and none as long as models run on the processor all the same: a
    runner that took the line ``gpu`` then would report a processor's speed as a GPU's.
    """
    if set(PROVIDERS) == {CPU}:
        return ()
    try:
        ctypes.CDLL(_DRIVER)  # initialises nothing; most hosts have none
    except OSError:
        return ()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "runner.gpus"],
            check=False,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(done.stdout.splitlines()[:_MOST]) if done.returncode == 0 else ()


def _of_driver() -> list[str]:
    """The names, as the driver says them. Raises OSError where it does not start."""
    driver = ctypes.CDLL(_DRIVER)
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        raise OSError("the driver does not start")
    names = []
    for number in range(count.value):
        device, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_BYTES)
        if not driver.cuDeviceGet(ctypes.byref(device), number) and not driver.cuDeviceGetName(
            name, _NAME_BYTES, device
        ):
            names.append(name.value.decode(errors="replace"))
    return names


if __name__ == "__main__":
    try:
        sys.stdout.write("\n".join(_of_driver()))
    except OSError as error:
        sys.exit(str(error))
