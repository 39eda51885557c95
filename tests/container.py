"""Builds the Dockerfile without Docker: runs its commands unchanged, each stage in a temporary root file system.

The root is this machine's with an overlay that takes all writes, so the tests' Python replaces that of the base image.
COPY and .dockerignore are implemented here. Needs root and a kernel with overlayfs.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.serving import ROOT

VARIABLE = re.compile(r"\$\{?(\w+)\}?")
NETWORK_VARIABLES = (
    "PIP_",
    "SSL_",
    "REQUESTS_",
    "HTTPS_",
    "HTTP_",
    "NO_PROXY",
    "https_",
    "http_",
    "no_proxy",
)
ENTER = """
set -e
mount -t overlay overlay -o "lowerdir=/,upperdir=$LAYER,workdir=$WORK" "$MERGED"
mount -t proc proc "$MERGED/proc"
mount --rbind /dev "$MERGED/dev"
mount -t tmpfs tmpfs "$MERGED/tmp"
[ -z "$VOLUME" ] || mount --bind "$VOLUME" "$MERGED/$MOUNTED"
[ -z "$READ_ONLY" ] || mount -o remount,ro "$MERGED"
[ -z "$ALONE" ] || /usr/bin/env python3 -c "$LOOPBACK_UP"
exec chroot "$MERGED" "$@"
"""
LOOPBACK_UP = """
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
"""


@dataclass(frozen=True)
class Instruction:
    word: str
    rest: str
    options: dict[str, str]


def instructions(text: str) -> list[Instruction]:
    """The instructions of a Dockerfile, with continued lines joined, without comments, and with options split off."""
    lines = re.sub(r"(?m)^\s*#.*\n", "", text)
    parsed = []
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            options = dict(re.findall(r"--([a-z-]+)=(\S+)", rest.split("CMD")[0])) if word != "RUN" else {}
            plain = re.sub(r"--[a-z-]+=\S+\s+", "", rest) if options else rest
            parsed.append(Instruction(word.upper(), plain, options))
    return parsed


@dataclass
class Stage:
    """One FROM with its instructions: a layer of files, and the settings with which a command runs in it."""

    folder: Path
    image: str
    env: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    )
    workdir: str = "/"
    user: str = "0"
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("layer", "work", "merged"):
            (self.folder / name).mkdir(parents=True)
        self.link_python()

    def link_python(self) -> None:
        """Puts Python where the official image has it, and makes its folders readable for users other than root."""
        base = Path(sys.base_prefix)
        binaries = self.path("/usr/local/bin")
        binaries.mkdir(parents=True)
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        for name in ("python", "python3"):
            (binaries / name).symlink_to(base / "bin" / version)
        for parent in [folder for folder in base.parents if folder != Path("/")]:
            self.path(str(parent)).mkdir(parents=True, exist_ok=True)
            self.path(str(parent)).chmod(0o755)

    def path(self, name: str) -> Path:
        """A path in the layer; a relative one is below the working directory."""
        return self.folder / "layer" / (PurePosixPath(self.workdir) / name).relative_to("/")

    def arguments(self, command: list[str], *namespaces: str) -> list[str]:
        """The command line that runs `command` in this root, with the stage's user and working directory."""
        identity = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        identity += ["--no-new-privs", "--bounding-set=-all"] if self.user != "0" else []
        inside = ["sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", self.workdir, *identity, *command]
        return [
            "unshare",
            "--mount",
            "--pid",
            *namespaces,
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            ENTER,
            "sh",
            *inside,
        ]

    def environment(self, **extra: str) -> dict[str, str]:
        folders = {name.upper(): str(self.folder / name) for name in ("layer", "work", "merged")}
        return self.env | folders | extra

    def run(self, command: list[str], **extra: str) -> subprocess.CompletedProcess:
        """Runs a command of the build, with access to the network for installing packages."""
        env = self.environment(**extra)
        return subprocess.run(self.arguments(command), env=env, capture_output=True, text=True)

    def start(self, command: list[str], volume: Path, **extra: str) -> subprocess.CompletedProcess:
        """Runs a command as compose.yaml does: only the volume and /tmp are writable, and there is no network."""
        [mounted] = self.volumes
        settings = {"VOLUME": str(volume), "MOUNTED": mounted, "READ_ONLY": "1", "ALONE": "1"}
        env = self.environment(LOOPBACK_UP=LOOPBACK_UP, **settings, **extra)
        return subprocess.run(self.arguments(command, "--net"), env=env, capture_output=True, text=True)

    def new_volume(self, folder: Path) -> Path:
        """A volume with the image's files and owner at the mount point, as Docker creates it."""
        [mounted] = self.volumes
        shutil.copytree(self.path(mounted), folder)
        owner = self.path(mounted).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        folder.chmod(owner.st_mode & 0o777)
        return folder


def is_ignored(name: str, patterns: list[str]) -> bool:
    """Whether .dockerignore excludes the path: the last pattern that matches it or a folder above it decides."""
    result = False
    above = [name, *map(str, PurePosixPath(name).parents)]
    for pattern in patterns:
        plain = pattern.removeprefix("!")
        globs = [plain, plain.removeprefix("**/")] if plain.startswith("**/") else [plain]
        for path in above:
            parts = [path, PurePosixPath(path).name] if plain.startswith("**/") else [path]
            if any(part != "." and fnmatch.fnmatchcase(part, glob) for part in parts for glob in globs):
                result = not pattern.startswith("!")
    return result


def context() -> list[str]:
    """The files that `docker build .` sends: those of the tree that .dockerignore does not exclude."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and not is_ignored(name, patterns)]


class Image:
    """A built Dockerfile. `log` has each command that was run, with its output."""

    def __init__(self, text: str, folder: Path) -> None:
        self.folder, self.stages, self.names = folder, [], {}
        self.log: list[tuple[str, subprocess.CompletedProcess]] = []
        for instruction in instructions(text):
            getattr(self, f"do_{instruction.word.lower()}")(instruction)

    @property
    def stage(self) -> Stage:
        return self.stages[-1]

    def do_from(self, instruction: Instruction) -> None:
        image, _, name = instruction.rest.partition(" AS ")
        self.stages.append(Stage(self.folder / str(len(self.stages)), image))
        self.names[name] = self.stage

    def do_env(self, instruction: Instruction) -> None:
        for name, value in re.findall(r"(\w+)=(\S+)", instruction.rest):
            self.stage.env[name] = VARIABLE.sub(lambda match: self.stage.env.get(match[1], ""), value)

    def do_workdir(self, instruction: Instruction) -> None:
        self.stage.workdir = instruction.rest
        self.stage.path(".").mkdir(parents=True, exist_ok=True)

    def do_copy(self, instruction: Instruction) -> None:
        *sources, target = instruction.rest.split()
        if "from" in instruction.options:
            origin = self.names[instruction.options["from"]]
            shutil.copytree(
                origin.path(sources[0]), self.stage.path(target), symlinks=True, dirs_exist_ok=True
            )
            return
        names = [name for name in context() if sources == ["."] or name in sources]
        assert names, f"COPY {instruction.rest}: .dockerignore excludes all of it"
        for name in names:
            destination = self.stage.path(target) / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination)

    def do_run(self, instruction: Instruction) -> None:
        network = {name: value for name, value in os.environ.items() if name.startswith(NETWORK_VARIABLES)}
        done = self.stage.run(["sh", "-c", instruction.rest], **network)
        self.log.append((instruction.rest, done))
        assert done.returncode == 0, f"RUN {instruction.rest}\n{done.stdout}{done.stderr}"

    def do_user(self, instruction: Instruction) -> None:
        self.stage.user = instruction.rest

    def do_volume(self, instruction: Instruction) -> None:
        self.stage.volumes.append(instruction.rest)

    def do_expose(self, instruction: Instruction) -> None:
        assert instruction.rest == self.stage.env["PORT"]

    def do_healthcheck(self, instruction: Instruction) -> None:
        self.stage.healthcheck = json.loads(instruction.rest.removeprefix("CMD "))

    def do_cmd(self, instruction: Instruction) -> None:
        self.stage.command = json.loads(instruction.rest)
