#!/usr/bin/env python3
"""What the registry costs: activation latency over many approvals, and reads and writes of the API with their CPU time.

    bench/registry.py HUFU [--approvals N] [--seconds S] [--reviewers R]

Once on SQLite, once on PostgreSQL of Debian with fsync as it is by default. `wrk` makes the load (one thread, eight
connections). CPU is user and system time of the node, and of PostgreSQL, from /proc, per request that was answered.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SETTINGS = {"photographs": False, "reachability": False, "required": [], "privateAddresses": True}
RULES = {"privateAddresses": True, "quotaPrefixes": 1_000_000}
SERVERS = [{"address": "127.0.0.1", "udp": 2641, "tcp": 2641}]
# Applications of one organisation that are not decided; a node allows 200.
OPEN = 150
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_of(pids):
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            # Its own, and that of its children that have ended.
            total += sum(map(int, fields[11:15]))
        except OSError:
            pass
    return total / TICKS


class Postgres:
    def __init__(self, home):
        binaries = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not binaries:
            sys.exit("PostgreSQL is not installed; run scenarios/setup.sh")
        self.home, binary = pathlib.Path(home, "pg"), binaries[-1]
        self.home.mkdir(mode=0o777)
        os.chmod(home, 0o755)
        os.chmod(self.home, 0o777)
        run = [] if os.getuid() else ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        data = self.home / "data"
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run([*run, binary / "initdb", "-D", data, *options], check=True, capture_output=True)
        serve = [*run, binary / "postgres", "-D", data, "-k", self.home, "-c", "listen_addresses="]
        self.process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ready = [binary / "pg_isready", "-q", "-h", self.home, "-U", "postgres"]
        while subprocess.run(ready).returncode:
            time.sleep(0.1)
        self.url = f"postgres://postgres@localhost/postgres?host={self.home}"

    def pids(self):
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
        return [self.process.pid, *map(int, children.stdout.split())]

    def stop(self):
        self.process.send_signal(2)
        self.process.wait()


class Node:
    def __init__(self, hufu, home, postgres):
        self.hufu, self.port, self.postgres = hufu, free_port(), postgres
        admin = free_port()
        subprocess.run([hufu, "init", "secondary", "--prefix", "88.118", "--dir", home], check=True, capture_output=True)
        self.config = pathlib.Path(home, "secondary.toml")
        text = re.sub(r"(?m)^(udp-|tcp-)port = .*", r"\1port = 0", self.config.read_text())
        text = text.replace("plain-credentials-on-loopback = false", "plain-credentials-on-loopback = true")
        text = text.replace("\nport = 8000", f"\nport = {self.port}").replace("\nport = 9300", f"\nport = {admin}")
        self.config.write_text(text)
        environment = dict(os.environ)
        if postgres:
            environment["HUFU_REGISTRY_DATABASE"] = postgres.url
        self.log = open(pathlib.Path(home, "log"), "w")
        serve = [hufu, "serve", "--config", self.config]
        self.process = subprocess.Popen(serve, stdout=self.log, stderr=self.log, env=environment)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        sys.exit("the node does not start")

    def cli(self, *words, body=None):
        command = [self.hufu, *words, "--config", self.config, "--output", "json"]
        if body is not None:
            command += ["--data", "-"]
        done = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def key(self, login, role_id):
        account = {"kind": "machine", "login": login, "name": login, "roles": [role_id]}
        account = self.cli("user", "create", body=account)["account"]["id"]
        role = next(role for role in self.cli("role", "list", "--limit", "200")["items"] if role["id"] == role_id)
        expires = int(time.time() * 1000) + 86_400_000
        wanted = {"account": account, "note": "bench", "permissions": role["permissions"], "expires": expires}
        return self.cli("key", "create", body=wanted)["secret"]

    def cpu(self):
        return cpu_of([self.process.pid]), cpu_of(self.postgres.pids()) if self.postgres else 0

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Caller:
    """One connection that stays."""

    def __init__(self, node, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text) if text else None


def approvals(node, organisations, clerk, reviewer, count, reviewers):
    """Files that many applications, then approves them; figures of the time until each was resolvable."""
    caller = Caller(node, clerk)
    ids = []
    for number in range(count):
        wish = {"name": f"88.118.{100_000 + number}", "servers": SERVERS}
        organisation = organisations[number // OPEN]
        new = {"kind": "prefix", "organisation": organisation, "content": {"prefixes": [wish]}}
        made = caller.ask("POST", "/api/v1/applications", new)
        caller.ask("POST", f"/api/v1/applications/{made['id']}/submit")
        ids.append(made["id"])
    took = []

    def work(part):
        caller = Caller(node, reviewer)
        for one in part:
            caller.ask("POST", f"/api/v1/applications/{one}/claim", {})
            begin = time.monotonic()
            caller.ask("POST", f"/api/v1/applications/{one}/decision", {"verdict": "approve", "reason": ""})
            took.append((time.monotonic() - begin) * 1000)

    begin, before = time.monotonic(), node.cpu()
    with concurrent.futures.ThreadPoolExecutor(reviewers) as pool:
        list(pool.map(work, [ids[at::reviewers] for at in range(reviewers)]))
    seconds = time.monotonic() - begin
    figures = node.cli("prefix", "activation")
    while figures["waiting"]:
        time.sleep(0.2)
        figures = node.cli("prefix", "activation")
    after = node.cpu()
    took.sort()
    cpu = sum(after) - sum(before)
    print(f"  {count} approvals by {reviewers}: activation p50 {figures['p50']} ms, p99 {figures['p99']} ms "
          f"(of {figures['count']}); decision p50 {took[len(took) // 2]:.1f} ms, p99 {took[len(took) * 99 // 100]:.1f} ms; "
          f"{count / seconds:.0f} approvals/s, {cpu * 1000 / count:.2f} ms CPU each, claim included")


def load(node, name, key, seconds, path, script=None):
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {key}"]
    if script:
        command += ["-s", script]
    before = node.cpu()
    done = subprocess.run([*command, f"http://127.0.0.1:{node.port}{path}"], capture_output=True, text=True)
    after = node.cpu()
    answered = int(re.search(r"(\d+) requests in", done.stdout).group(1))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1)
    half, most = (re.search(rf"{part}%\s+(\S+)", done.stdout).group(1) for part in (50, 99))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    own, database = ((after[at] - before[at]) * 1e6 / answered for at in (0, 1))
    print(f"  {name}: {float(rate):.0f}/s, CPU {own:.0f} µs node + {database:.0f} µs PostgreSQL a request, "
          f"p50 {half}, p99 {most}{', ' + bad.group(1) + ' refused' if bad else ''}")
    if bad:
        sys.exit("some were refused: the figures say nothing")


def measure(arguments, home, database):
    postgres = Postgres(home) if database == "PostgreSQL" else None
    node = Node(arguments.hufu, home, postgres)
    try:
        node.cli("setting", "write", "review", body=SETTINGS)
        node.cli("prefix", "set-rules", body=RULES)
        organisations = []
        for number in range(arguments.approvals // OPEN + 1):
            subject = {"orgName": f"示例泵业 {number}", "orgCrtType": 1, "orgCrtCode": f"B{number}"}
            organisations.append(node.cli("org", "create", body={"subject": subject})["id"])
        clerk, reviewer = node.key("clerk", "platform-operator"), node.key("reviewer", "reviewer")
        print(f"{database}, load average {os.getloadavg()[0]:.1f}")
        approvals(node, organisations, clerk, reviewer, arguments.approvals, arguments.reviewers)
        load(node, "read one", clerk, arguments.seconds, "/api/v1/prefixes/88.118.100000")
        load(node, "read 50", clerk, arguments.seconds, "/api/v1/prefixes?limit=50")
        script = pathlib.Path(home, "allocate.lua")
        body = json.dumps({"organisation": organisations[0], "under": "88.118", "delegation": {"servers": SERVERS}})
        script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{body}]]\nwrk.headers['Content-Type'] = 'application/json'\n")
        load(node, "allocate", clerk, arguments.seconds, "/api/v1/prefix-allocations", str(script))
        begin = time.monotonic()
        while node.cli("prefix", "activation")["waiting"]:
            time.sleep(0.1)
        print(f"  the outbox was empty {time.monotonic() - begin:.1f} s after the last allocation")
    finally:
        node.stop()
        if postgres:
            postgres.stop()
    print(f"  load average after: {os.getloadavg()[0]:.1f}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("hufu", type=lambda path: str(pathlib.Path(path).resolve()))
    arguments.add_argument("--approvals", type=int, default=1000)
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--reviewers", type=int, default=1)
    arguments = arguments.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    for database in ("SQLite", "PostgreSQL"):
        with tempfile.TemporaryDirectory() as home:
            measure(arguments, home, database)


main()
