"""Times and memory of whole processes."""

import os
import shutil
import subprocess
import tempfile
import time


def wall(command):
    """The wall time in milliseconds from the start of one build to its end, with nothing of ours in between."""
    nothing = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    began = time.perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=nothing)
    os.waitpid(process, 0)
    return (time.perf_counter() - began) * 1000


def peak(command):
    """The peak memory in MiB of one build."""
    timer = shutil.which("time")
    if timer:
        with tempfile.NamedTemporaryFile("r") as report:
            subprocess.run([timer, "-f", "%M", "-o", report.name, *command], stdout=subprocess.DEVNULL, check=True)
            return int(report.read()) / 1024
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return usage.ru_maxrss / 1024
