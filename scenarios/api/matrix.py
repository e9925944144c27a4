#!/usr/bin/env python3
"""Who may do what, cell by cell: every operation of the API's description, for every role, on things of the caller's own
organisation and of another one.

    matrix.py URL HUFU CONFIG TOKENS

URL is the node's HTTP, HUFU the binary, CONFIG the node's configuration (fixtures are made through its Unix socket),
TOKENS a file to write a session of every role to, for the tests that follow.
What a role should be able to do is read from two places that do not know of each other: the permissions that the
operation declares in the description, and the permissions that the node says the role has. Every cell is asserted.
"""

import http.client
import json
import subprocess
import sys
from urllib.parse import quote, urlsplit

URL, HUFU, CONFIG, TOKENS = sys.argv[1:5]
PLACE = urlsplit(URL)
# Names that are not of the form of an id.
NOBODY = {"versions": "1"}
PASSWORD = "Wusong-Jiujiu-7429-lake"

# What signs the caller out, or ends an account, comes last, in this order.
LAST = ["deleteAccount", "deleteRole", "revokeKey", "signOut"]
# These end the session that asks; they have a session of their own.
ENDS = {"signOut"}


def cli(*words, **body):
    """`hufu …` through the Unix socket."""
    command = [HUFU, *words, "--config", CONFIG, "--output", "json"]
    if body:
        command += ["--data", "-"]
    done = subprocess.run(command, input=json.dumps(body), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def ask(method, path, token=None, body=None):
    """Status and parsed body of one request."""
    connection = http.client.HTTPConnection(PLACE.hostname, PLACE.port, timeout=60)
    headers = {"Accept-Language": "en"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body), "application/json"
    connection.request(method, path, data, headers)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


def subject(name, code):
    return {"orgName": name, "orgCrtType": 2, "orgCrtCode": code}


def person(login, role, organisation):
    body = {"kind": "person", "login": login, "name": login, "email": f"{login}@example.com", "roles": [role]}
    if organisation:
        body["organisation"] = organisation
    made = cli("user", "create", **body)
    status, told = ask("POST", "/api/v1/invitations/accept", None, {"token": made["invitation"], "password": PASSWORD})
    assert status == 200, (login, status, told)
    return made["account"]


def sign_in(login):
    status, told = ask("POST", "/api/v1/sessions", None, {"login": login, "password": PASSWORD})
    assert status == 201 and "pending" not in told, (login, status, told)
    return told["token"], told["session"]["id"]


def world():
    """Two companies with one of everything."""
    companies = {}
    for tag in ("a", "b"):
        org = cli("org", "create", subject=subject(f"公司{tag}", f"MATRIX-{tag}"))["id"]
        staff = person(f"fixture-{tag}", "enterprise-staff", org)
        _, session = sign_in(f"fixture-{tag}")
        machine = cli("user", "create", kind="machine", login=f"machine-{tag}", name="m", organisation=org,
                      roles=["enterprise-staff"])["account"]
        key = cli("key", "create", account=machine["id"], note="n", permissions=["prefix.read"],
                  expires=machine["created"] + 86_400_000)
        role = cli("role", "create", id=f"custom-{tag}", reach="organisation", organisation=org, zh="自定", en="custom",
                   permissions=["prefix.read"])
        prefix = cli("prefix", "allocate", organisation=org, under="88.118")["name"]
        application = cli("application", "create", organisation=org, kind="prefix")["id"] if "application" in NOUNS else "app-none"
        item = {"name": "name", "labels": {"zh": "名称", "en": "Name"}}
        content = {"labels": {"zh": "产品", "en": "Product"}, "items": [item]}
        template = cli("template", "create", prefix=prefix, versionText="1", content=content)["id"]
        grant = cli("grant", "create", owner=org, grantee="prefix:88.118.9")["id"]
        companies[tag] = {
            "templates": template, "grants": grant,
            "organisations": org, "accounts": staff["id"], "sessions": session, "keys": find(key, "id", "key-"),
            "roles": role["id"], "prefixes": prefix, "applications": application,
        }
    return companies


def find(value, name, start):
    """The first member `name` that begins with `start`, however deep."""
    if isinstance(value, dict):
        if str(value.get(name, "")).startswith(start):
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            found = find(one, name, start)
            if found:
                return found
    return None


def filled(path, things):
    """The path with the ids of these things, and whether it names one of them."""
    parts, named = path.split("/"), False
    for at, part in enumerate(parts):
        if part.startswith("{"):
            collection = parts[at - 1]
            parts[at] = quote(things.get(collection, NOBODY.get(collection, "none-0000000000000000")), safe="")
            # Roles and sessions of nobody in particular are looked for in vain, which is an answer too.
            named |= collection in things
    return "/".join(parts), named


def demand(operation, names):
    """What the description says is needed: None for nothing, [] for an account, else any of these. The fixtures are
    never the caller itself, so what one may do to oneself needs, on them, what it needs to do it to others."""
    if "x-public" in operation:
        return None
    any_of = [value for name, value in operation.items() if name.startswith("x-permission")]
    return [] if "x-self" in operation and not names else any_of


def main():
    roles = [role for role in cli("role", "list", "--limit", "200")["items"] if role["builtIn"]]
    companies = world()
    callers = {"anonymous": (None, set(), False)}
    for role in roles:
        of = companies["a"]["organisations"] if role["reach"] == "organisation" else None
        login = f"as-{role['id']}"
        person(login, role["id"], of)
        callers[role["id"]] = (sign_in(login)[0], set(role["permissions"]), role["reach"] == "organisation")
    operations = []
    for path, item in DESCRIPTION["paths"].items():
        for method, operation in item.items():
            operations.append((method.upper(), path, operation))
    order = {name: at for at, name in enumerate(LAST)}
    operations.sort(key=lambda one: (order.get(one[2]["operationId"], -1), one[0] == "DELETE"))
    cells, wrong = 0, []
    for method, path, operation in operations:
        of_oneself = "x-self" in operation or "x-or-itself" in operation
        for name, (token, permissions, bound) in callers.items():
            for whose in ("a", "b"):
                cells += 1
                if operation["operationId"] in ENDS and token:
                    token = sign_in(f"as-{name}")[0]
                target, names = filled(path, companies[whose])
                needs = demand(operation, names)
                has_body = "requestBody" in operation
                status, told = ask(method, target, token, {} if has_body else None)
                code = told.get("code") if isinstance(told, dict) else None
                if needs is None:
                    right = status not in (401, 403, 404) and status < 500 or code in ("sign-in-failed", "not-found")
                elif token is None:
                    right = status == 401
                elif needs and not permissions & set(needs):
                    right = (status, code) == (403, "not-permitted") or of_oneself and status == 404
                elif bound and whose == "b" and names and operation.get("x-scope") != "node":
                    # Another company's: there is no such thing. A request without sense may be refused first.
                    right = status in ((404,) if not has_body else (400, 404, 403))
                    right = right and not leaks(told, companies["b"])
                else:
                    right = status not in (401,) and status < 500 and code != "not-permitted"
                # A list has nothing of the other company in it.
                if bound and method == "GET" and not names and leaks(told, companies["b"]):
                    right = False
                if not right:
                    wrong.append(f"{name} on {whose}: {method} {target} ({operation['operationId']}) → {status} {code}")
    with open(TOKENS, "w") as file:
        json.dump({name: sign_in(f"as-{name}")[0] for name in callers if name != "anonymous"}, file)
    print(f"{len(operations)} operations × {len(callers)} callers × 2 = {cells} cells, {len(wrong)} wrong")
    print("\n".join(wrong[:60]))
    sys.exit(bool(wrong) or cells != len(operations) * len(callers) * 2)


def leaks(told, things):
    """Whether an answer names a thing of the other company in anything but the words of a refusal."""
    if isinstance(told, dict) and "code" in told and "status" in told:
        return False
    text = json.dumps(told, ensure_ascii=False)
    return any(f'"{one}"' in text for one in things.values())


DESCRIPTION = ask("GET", "/api/v1/openapi.json")[1]
NOUNS = {operation.get("x-cli", " ").split(" ")[0]
         for item in DESCRIPTION["paths"].values() for operation in item.values()}
main()
