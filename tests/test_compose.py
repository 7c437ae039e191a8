"""What docker-compose.yml, the images and their seccomp profile promise, as far as text can show it.

No container engine is started. The profile itself is: its filter is put over a real process by
libseccomp, and the sandbox is tried behind it.
"""

import ctypes
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml

from bot.config import Settings
from tests.runner.conftest import best_tier
from tests.runner.test_sandbox_probes import as_a_user
from tests.test_docs import command, settings_of

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "command" in service]
RUNNERS = [name for name in SERVICES if name.startswith("runner-")]
PROFILE = ROOT / "docs/compose/seccomp.json"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_runs_a_command_that_exists(name):
    service = SERVICES[name]
    words = service["command"]
    found = command(words[:2])
    assert isinstance(found, click.Command), words
    options = {option for parameter in found.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert service["init"] is True
    assert service["user"] == "10001:10001"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_a_plain_user_without_capabilities_on_a_root_it_cannot_write(name):
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["read_only"] is True
    assert "/tmp" in service["tmpfs"]


def test_nobody_gets_the_engines_socket_or_more_privileges():
    text = (ROOT / "docker-compose.yml").read_text()
    assert "docker.sock" not in text
    assert not any(
        key in service
        for service in SERVICES.values()
        for key in ("privileged", "pid", "network_mode", "ipc", "userns_mode", "devices")
    )


def test_services_are_given_settings_that_exist_and_wait_for_services_that_exist():
    known = {variable for variable, _, _ in settings_of(Settings, "BOOKWIZ_")}
    for name in OURS:
        assert {
            v for v in SERVICES[name].get("environment", {}) if v.startswith("BOOKWIZ_")
        } <= known
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        assert set(service.get("networks", {})) <= set(COMPOSE["networks"])
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert all(
            (ROOT / v).exists() if v.startswith("./") else v in COMPOSE["volumes"] for v in named
        )


@pytest.mark.parametrize("name", RUNNERS)
def test_a_runner_reaches_jobs_and_links_and_nothing_else(name):
    service = SERVICES[name]
    assert service["networks"] == ["runners"]
    assert COMPOSE["networks"]["runners"] == {"internal": True}
    assert [volume.partition(":")[0] for volume in service["volumes"]] == ["cache"]
    assert "environment" not in service
    [address] = [word for word in service["command"] if word.startswith("postgresql://")]
    assert address == "postgresql://runner:${RUNNER_PASSWORD}@postgres/jobs"
    assert "BOOKWIZ_PASSWORD" not in json.dumps(service)
    profiles = [o for o in service["security_opt"] if o.startswith("seccomp=")]
    assert [ROOT / profile.removeprefix("seccomp=") for profile in profiles] == [PROFILE]
    assert "systempaths=unconfined" in service["security_opt"]


def test_only_the_proxy_listens_beyond_this_host():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(published) == {"bot", "proxy"}
    assert all(port.startswith("127.0.0.1:") for port in published["bot"])


def test_the_proxy_lets_through_what_is_for_the_public_and_nothing_of_the_chat():
    caddyfile = (ROOT / "docs/compose/Caddyfile").read_text()
    [paths] = re.findall(r"@public path (.*)", caddyfile)
    assert paths.split() == ["/board/*", "/report/*", "/upload/*", "/runner/*", "/slack/*"]
    assert caddyfile.count("reverse_proxy") == 1


def test_images_copy_what_exists_and_install_extras_that_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    named = {e for found in re.findall(r"'\.\[(.*?)\]'", DOCKERFILE) for e in found.split(",")}
    assert named == {"bot", "postgres", "runner"} <= set(extras)
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert all((ROOT / path).exists() for path in kept)
    assert set(re.findall(r"-c (\S+\.txt)", DOCKERFILE)) <= kept
    assert {service["build"]["target"] for service in map(SERVICES.get, OURS)} <= set(
        re.findall(r"^FROM \S+ AS (\S+)", DOCKERFILE, re.MULTILINE)
    )


def test_every_stage_that_runs_gives_root_up():
    stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
    running = [stage for stage in stages if "\nCMD " in stage]
    assert len(running) == 2
    assert all("\nUSER bookwiz\n" in stage for stage in running)


def profile(*, without: str = ""):
    words = json.loads(PROFILE.read_text())
    words["syscalls"] = [g for g in words["syscalls"] if not without or without not in g["comment"]]
    return words


def test_the_profile_allows_what_a_cell_is_built_with_and_no_way_around():
    groups = profile()["syscalls"]
    allowed = {n for g in groups if g["action"] == "SCMP_ACT_ALLOW" for n in g["names"]}
    assert {"clone", "unshare", "mount", "umount2", "pivot_root", "seccomp"} <= allowed
    assert not allowed & {
        "bpf", "perf_event_open", "ptrace", "process_vm_readv", "process_vm_writev", "kexec_load",
        "init_module", "finit_module", "delete_module", "add_key", "request_key", "keyctl",
        "userfaultfd", "io_uring_setup", "io_uring_enter", "open_by_handle_at", "setns", "reboot",
        "swapon", "acct", "clone3", "move_mount", "fsopen", "mount_setattr", "settimeofday",
    }  # fmt: skip


#: puts the filter of a profile over itself, drops all privileges and becomes a program
UNDER = """
import ctypes, json, os, sys

words = json.loads(sys.argv[1])
seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
libc = ctypes.CDLL(None, use_errno=True)
seccomp.seccomp_init.restype = ctypes.c_void_p
ACTIONS = {"SCMP_ACT_ALLOW": 0x7FFF0000}
errno = lambda number: 0x00050000 | number
assert words["defaultAction"] == "SCMP_ACT_ERRNO"
context = ctypes.c_void_p(seccomp.seccomp_init(errno(words["defaultErrnoRet"])))
for group in words["syscalls"]:
    action = ACTIONS.get(group["action"]) or errno(group["errnoRet"])
    for name in group["names"]:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        assert number != -1, f"no system call is called {name}"
        if number >= 0:
            assert seccomp.seccomp_rule_add(context, action, number, 0) == 0, name
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert seccomp.seccomp_load(context) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""


def under(words, *program):
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("LIBSECCOMP IS MISSING: the profile cannot be tried (apt install libseccomp2)")
    if best_tier() != "full":
        pytest.skip("TIER FULL CANNOT BE TRIED HERE")
    return as_a_user(sys.executable, "-c", UNDER, json.dumps(words), *program)


PROBE = (sys.executable, "-m", "runner", "probe", "--quick", "--json")


@pytest.mark.sandbox
@pytest.mark.slow
def test_under_the_profile_a_plain_user_reaches_tier_full():
    done = under(profile(), *PROBE)
    assert json.loads(done.stdout or "{}").get("tier") == "full", done.stderr


@pytest.mark.sandbox
@pytest.mark.slow
def test_without_its_last_group_nothing_would_be_walled_off_so_the_group_is_needed():
    done = under(profile(without="what a cell is built with"), *PROBE)
    assert json.loads(done.stdout or "{}").get("tier") == "none", done.stderr


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("call", "answer"),
    [("ptrace(0, 0, None, None)", 1), ("unshare(0x10000000)", 0)],
)
def test_the_profile_answers(call, answer):
    script = (
        f"import ctypes; libc = ctypes.CDLL(None, use_errno=True); r = libc.{call}; "
        "print(ctypes.get_errno() if r else 0)"
    )
    done = under(profile(), sys.executable, "-c", script)
    assert done.stdout.strip() == str(answer), done.stderr


def test_the_script_that_makes_the_databases_keeps_the_runner_out_of_the_members_one():
    script = (ROOT / "docs/compose/make-databases.sh").read_text()
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    assert "REVOKE CONNECT ON DATABASE bookwiz FROM PUBLIC;" in script
