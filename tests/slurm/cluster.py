"""A real Slurm of three nodes on this machine, from Debian's packages, without systemd, cgroups or a database.

Everything that it writes lies in one folder, its ports are free ones, and it is taken down by process id, so that neither a Slurm
that is already here nor a second test run notices it.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "munged", "mungekey")
NODES = ("n1", "n2", "n3")
# Fewer GPUs than jobs that want one, so that a queue forms. n3 has none.
GPU_NODES = ("n1", "n2")
CONFIG = """
ClusterName=stimmung
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
# A job that is queued again waits for as long as a credential holds.
AuthInfo=socket={root}/munge/socket,cred_expire=10
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
# A node that is set down stays so, although its daemon answers.
ReturnToService=0
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
SlurmctldPort={port}
SlurmdTimeout=20
InactiveLimit=0
KillWait=10
# A test reads at its end what became of all jobs.
MinJobAge=3600
# More processors and memory than the machine may have.
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
PriorityType=priority/basic
AccountingStorageType=accounting_storage/none
# Without cgroups memory is looked at every other second, and a job that holds too much is killed.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
EpilogMsgTime=0
CompleteWait=0
NodeName=DEFAULT CPUs=8 Boards=1 SocketsPerBoard=1 CoresPerSocket=8 ThreadsPerCore=1 RealMemory=64000
{nodes}
PartitionName=cpu Nodes=n3 Default=YES MaxTime=1-00:00:00 DefaultTime=00:10:00 State=UP
PartitionName=gpu Nodes={gpu_nodes} MaxTime=1-00:00:00 DefaultTime=00:10:00 State=UP
"""


def install() -> str | None:
    """Install what is missing; return why there is no Slurm, or None if there is one."""
    environment = {
        **os.environ,
        "PATH": f"{os.environ['PATH']}:/usr/sbin",
        "DEBIAN_FRONTEND": "noninteractive",
    }
    if any(shutil.which(name, path=environment["PATH"]) is None for name in PROGRAMS):
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            return "Slurm is not installed, and only root can install it, by apt-get"
        # Debian's packages would start daemons of their own.
        guard = Path("/usr/sbin/policy-rc.d")
        ours = not guard.exists()
        if ours:
            guard.write_text("#!/bin/sh\nexit 101\n")
            guard.chmod(0o755)
        try:
            for command in (
                ["apt-get", "update", "-qq"],
                ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES],
            ):
                ended = subprocess.run(command, env=environment, capture_output=True, text=True)
                if ended.returncode != 0:
                    return f"{' '.join(command[:2])} failed: {ended.stderr.strip()[-300:]}"
        finally:
            if ours:
                guard.unlink()
    if os.geteuid() != 0:
        return "the daemons of this Slurm run as root only"
    return None


class Cluster:
    """The running daemons. Commands find them by the variable SLURM_CONF."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {
            **os.environ,
            "PATH": f"{root / 'bin'}:{os.environ['PATH']}:/usr/sbin",
            "SLURM_CONF": str(root / "slurm.conf"),
        }

    def up(self) -> None:
        """Start munged, slurmctld and one slurmd for each node, and wait until jobs can run."""
        for folder in ("bin", "munge", "state", "spool"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "munge").chmod(0o711)
        self._wrap_srun()
        self._start_munge()
        self._write_config()
        self.call("slurmctld")
        for name in NODES:
            self.call("slurmd", "-N", name)
        until(lambda: len(self._idle()) == len(NODES), 60, what="three idle nodes")

    def down(self) -> None:
        """End all jobs and daemons."""
        subprocess.run(["scancel", "--user", str(os.geteuid())], env=self.environment, capture_output=True)
        with suppress(AssertionError):  # a controller that does not answer has no jobs to wait for
            until(lambda: not self.active(), 60, fail=False)
        names = [*(f"slurmd-{name}" for name in NODES), "slurmctld", "munge/munged"]
        for pid in (self.root / f"{name}.pid" for name in names):
            if pid.exists():
                end(int(pid.read_text()))
        for orphan in self._orphans():
            end(orphan)

    def _orphans(self) -> list[int]:
        """Processes of jobs that Slurm has lost, such as those of a node that was set down."""
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                variables = environment.read_bytes().split(b"\0")
                if mark in variables and any(one.startswith(b"SLURM_JOB_ID=") for one in variables):
                    found.append(int(environment.parent.name))
        return found

    def call(self, *command: str) -> str:
        """Run a command of Slurm and return what it prints."""
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, f"{' '.join(command)}: {ended.stderr}"
        return ended.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return all jobs, ended ones too, as `scontrol show jobs` tells: JobId, JobState, Partition, TresPerJob and so on."""
        lines = self.call("scontrol", "show", "jobs", "--oneliner").splitlines()
        return [
            dict(part.split("=", 1) for part in line.split() if "=" in part)
            for line in lines
            if line.startswith("JobId=")
        ]

    def running(self, rule: str) -> list[dict[str, str]]:
        """Return the running jobs of a rule."""
        return [job for job in self.jobs() if job["JobState"] == "RUNNING" and rule_of(job) == rule]

    def active(self) -> list[dict[str, str]]:
        """Return the jobs that wait, run or are just being ended."""
        return [
            job
            for job in self.jobs()
            if job["JobState"] in ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")
        ]

    def _idle(self) -> list[str]:
        asked = ["sinfo", "-h", "-N", "-t", "idle", "-o", "%N"]
        return subprocess.run(asked, env=self.environment, capture_output=True, text=True).stdout.split()

    def _wrap_srun(self) -> None:
        # The plugin drops Slurm's variables inside a job, SLURM_CONF among them.
        wrapped = self.root / "bin" / "srun"
        wrapped.write_text(f'#!/bin/sh\nSLURM_CONF={self.root}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        wrapped.chmod(0o755)

    def _start_munge(self) -> None:
        own = self.root / "munge"
        self.call("mungekey", "--create", "--keyfile", str(own / "key"))
        files = {
            "socket": "socket",
            "key-file": "key",
            "pid-file": "munged.pid",
            "log-file": "log",
            "seed-file": "seed",
        }
        self.call("munged", "--force", *(f"--{option}={own / name}" for option, name in files.items()))

    def _write_config(self) -> None:
        host = socket.gethostname().split(".")[0]
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} State=UNKNOWN"
            + (" Gres=gpu:1" if name in GPU_NODES else "")
            for name in NODES
        )
        text = CONFIG.format(
            host=host,
            user="root",
            root=self.root,
            port=free_port(),
            nodes=nodes,
            gpu_nodes=",".join(GPU_NODES),
        )
        (self.root / "slurm.conf").write_text(text)
        # One GPU for each node, which is any device file: nothing is computed on it.
        (self.root / "gres.conf").write_text(f"NodeName={','.join(GPU_NODES)} Name=gpu File=/dev/null\n")
        (self.root / "cgroup.conf").write_text("CgroupPlugin=autodetect\n")


@contextmanager
def cluster(root: Path) -> Iterator[Cluster]:
    """Yield a running Slurm, and take it down whatever happens."""
    ours = Cluster(root)
    try:
        ours.up()
        yield ours
    finally:
        ours.down()


def rule_of(job: dict[str, str]) -> str:
    """Return the rule of a job, or of joined ones; the plugin writes it as the comment, behind the group and before the wildcards."""
    named = re.sub(r"^rule_((train|weeks|score)_(?=train_|score_))?", "", job.get("Comment", ""))
    return named.split("_wildcards_")[0].strip()


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition, seconds: float, *, fail: bool = True, what: str = "the condition"):
    """Wait for a condition and return what it returned."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.2)
    assert not fail, f"{what} did not come within {seconds} s"
    return None


def end(pid: int) -> None:
    """End a process that this test run started."""
    for number in (15, 9):
        if not alive(pid):
            return
        os.kill(pid, number)
        until(lambda: not alive(pid), 5, fail=False)


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and that nobody has asked after does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
