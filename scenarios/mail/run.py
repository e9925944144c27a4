#!/usr/bin/env python3
"""E-mail: invitations, resets and notices of a real node, taken by aiosmtpd, a mail server that we did not write.

    run.py --hufu HUFU
"""

import argparse
import http.client
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller

CONSOLE = "https://console.hufu-demo.cn"
FIRST, SECOND = "Wusong-Jiujiu-7429-lake", "Minhang-Qiqi-5306-field"
WAIT = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mailbox:
    """Takes everything but what goes to `nobody@…`."""

    def __init__(self):
        self.taken = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 taken"

    def wait_for(self, count):
        deadline = time.monotonic() + WAIT
        while len(self.taken) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        check(len(self.taken) == count, f"{count} messages have come: {len(self.taken)}")
        receivers, message = self.taken[-1]
        return receivers, message, message.get_content()


def check(good, what):
    print(("ok " if good else "FAIL ") + what)
    if not good:
        sys.exit(1)


class Node:
    def __init__(self, hufu, home):
        self.hufu, self.port, admin = hufu, free_port(), free_port()
        subprocess.run([hufu, "init", "secondary", "--prefix", "88.118", "--dir", home], check=True, capture_output=True)
        self.config = pathlib.Path(home, "secondary.toml")
        text = self.config.read_text()
        text = re.sub(r"(?m)^(udp-|tcp-)port = .*", r"\1port = 0", text)
        text = text.replace("plain-credentials-on-loopback = false", "plain-credentials-on-loopback = true")
        text = text.replace("\nport = 8000", f"\nport = {self.port}").replace("\nport = 9300", f"\nport = {admin}")
        self.config.write_text(text)
        self.log = open(pathlib.Path(home, "log"), "w+")
        self.process = subprocess.Popen([hufu, "serve", "--config", self.config], stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        sys.exit("FAIL the node does not start")

    def cli(self, *words, **body):
        command = [self.hufu, *words, "--config", self.config, "--output", "json"]
        if body:
            command += ["--data", "-"]
        done = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"FAIL {words}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def post(self, path, **body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, json.loads(text) if text else None


def link(content, page):
    found = re.search(rf"{re.escape(CONSOLE)}/{page}#(\S+)", content)
    check(found is not None, f"the letter leads to the console's page {page}")
    return found.group(1)


def stories(node, box, port):
    status, _ = node.post("/api/v1/resets", login="whoever")
    check(status == 409, "a node that sends no mail says so")
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "from": "hufu@hufu-demo.cn"}
    node.cli("setting", "write", "notices", smtp=smtp, console=CONSOLE)

    new = {"kind": "person", "login": "zhao", "name": "赵一", "email": "zhao@hufu-demo.cn", "roles": ["platform-operator"]}
    node.cli("user", "create", **new)
    receivers, message, content = box.wait_for(1)
    check(receivers == ["zhao@hufu-demo.cn"] and "hufu@hufu-demo.cn" in message["From"], "an invitation is mailed to its account")
    check("邀请" in message["Subject"] and "Invitation" in message["Subject"], "in both languages")
    status, account = node.post("/api/v1/invitations/accept", token=link(content, "invitation"), password=FIRST)
    check(status == 200 and account["state"] == "active", "its link sets the first password")

    answers = [node.post("/api/v1/resets", login=login) for login in ("nobody-has-this", "zhao@hufu-demo.cn", "zhao")]
    check(answers == [(204, None)] * 3, "the answer does not tell whether there is such an account")
    receivers, message, content = box.wait_for(2)
    time.sleep(5)
    check(len(box.taken) == 2, "who asks again gets no second letter at once")
    token = link(content, "reset")
    status, told = node.post("/api/v1/resets/confirm", token=token, password=SECOND)
    check(status == 200, f"its link sets a new password {told if status != 200 else str()}")
    check(node.post("/api/v1/resets/confirm", token=token, password=SECOND + "x")[0] == 400, "once")
    check(node.post("/api/v1/sessions", login="zhao", password=FIRST)[0] == 401, "the old password is void")
    check(node.post("/api/v1/sessions", login="zhao", password=SECOND)[0] in (200, 201), "the new one signs in")

    node.cli("user", "create", **{**new, "login": "gone", "email": "nobody@hufu-demo.cn"})
    deadline, state = time.monotonic() + WAIT, None
    while state != "given-up" and time.monotonic() < deadline:
        time.sleep(0.5)
        page = node.cli("notice", "deliveries")
        items = page["items"] if isinstance(page, dict) else page
        state = next(item["state"] for item in items if item["target"] == "nobody@hufu-demo.cn")
    check(state == "given-up", "a mailbox that does not exist is given up, and shown")
    text = json.dumps(node.cli("notice", "deliveries")) + json.dumps(node.cli("notice", "list"))
    check("hufui_" not in text and "hufur_" not in text, "no token is shown in deliveries or notices")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--hufu", required=True)
    hufu = str(pathlib.Path(arguments.parse_args().hufu).resolve())
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    with tempfile.TemporaryDirectory() as home:
        node = Node(hufu, home)
        try:
            stories(node, box, port)
        finally:
            node.process.terminate()
            node.process.wait()
            controller.stop()
        log = pathlib.Path(home, "log").read_text()
        check("incident" not in log, "no incident")
        check("hufui_" not in log and "hufur_" not in log, "no token in the log")


main()
