"""The main job over REST: run, freeze, kill, thaw twice, compare. Called by ./quickstart with the server's address; uses nothing but Python's library."""
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request

BASE = sys.argv[1]
STATE = sys.argv[2]
HERE = os.path.dirname(os.path.abspath(__file__))
rows = []


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            text = response.read()
            return json.loads(text) if "json" in response.headers.get("Content-Type", "") else text.decode()
    except urllib.error.HTTPError as e:
        sys.exit(f"{method} {path}: {e.code} {e.read().decode()}")


def timed(what, function):
    begin = time.monotonic()
    result = function()
    rows.append((what, f"{(time.monotonic() - begin) * 1e3:,.0f} ms"))
    return result


def lines(sandbox, at_least=1):
    """Whole lines of the sandbox's output, when there are enough."""
    deadline = time.monotonic() + 60
    while True:
        text = call("GET", f"/v1/sandboxes/{sandbox}/logs")
        whole = text[: text.rfind("\n") + 1].splitlines()
        if len(whole) >= at_least:
            return whole
        if time.monotonic() > deadline:
            sys.exit(f"no output of {sandbox}: {text} {call('GET', f'/v1/sandboxes/{sandbox}/logs?stream=stderr')}")
        time.sleep(0.002)


def check(line):
    """The number of a line, if what it says of the dictionary is true."""
    number = int(line.split(":")[0])
    expected = f"{number}: the dictionary holds {number} squares, their sum is {number * (number + 1) * (2 * number + 1) // 6}"
    if line != expected:
        sys.exit(f"lost something: {line!r}, expected {expected!r}")
    return number


def processes(sandbox):
    """Host processes of a sandbox: those whose command line or parents' name it."""
    parents, found = {}, set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f, open(f"/proc/{pid}/stat") as stat:
                parents[int(pid)] = int(stat.read().rsplit(") ", 1)[1].split()[1])
                if sandbox.encode() in f.read():
                    found.add(int(pid))
        except OSError:
            pass
    while True:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def show(title, text):
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}")
    for line in text:
        print("   ", line)


with open(os.path.join(HERE, "guest.py")) as script:
    request = {"command": ["/usr/bin/python3", "-c", script.read()], "name": "counter"}
sandbox = timed("create, to the program's first line", lambda: (s := call("POST", "/v1/sandboxes", request), lines(s["id"]))[0])["id"]
before = lines(sandbox, 15)
show(f"A sandbox runs the machine's own python3 ({sandbox}):", before[:2] + ["…"] + before[-2:])

checkpoint = timed("checkpoint", lambda: call("POST", f"/v1/sandboxes/{sandbox}/checkpoint", {"leaveRunning": True}))
last = max(check(line) for line in lines(sandbox))
pids = processes(sandbox)
for pid in pids:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
deadline = time.monotonic() + 20
while call("GET", f"/v1/sandboxes/{sandbox}")["status"] not in ("stopped", "failed") and time.monotonic() < deadline:
    time.sleep(0.05)
show(f"Frozen as {checkpoint['id']}; then its {len(pids)} host processes were killed.", [f"state: {call('GET', f'/v1/sandboxes/{sandbox}')['status']}"])
call("DELETE", f"/v1/sandboxes/{sandbox}")

copies = [timed(f"restore {n}, to the program's next line", lambda: (s := call("POST", f"/v1/checkpoints/{checkpoint['id']}/restore", {}), lines(s["id"]))[0])["id"] for n in ("one", "two")]
firsts = []
for copy in copies:
    after = lines(copy, 10)
    numbers = [check(line) for line in after]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        sys.exit(f"a gap: {numbers}")
    firsts.append(numbers[0])
    show(f"Thawed as {copy}, side by side with the other:", after[:2] + ["…"] + after[-1:])
if len(set(firsts)) != 1 or not 1 < firsts[0] <= last + 1:
    sys.exit(f"the copies went on from {firsts}, the source had printed {last} at the checkpoint or after")
rows.append(("memory and state of the guest", f"{checkpoint['bytes'] / 1e6:,.1f} MB"))
rows.append(("stored image", f"{checkpoint['storedBytes'] / 1e6:,.1f} MB"))
rows.append(("paused for the checkpoint", f"{checkpoint['pausedSeconds'] * 1e3:,.0f} ms"))

for copy in copies:
    call("DELETE", f"/v1/sandboxes/{copy}")
call("DELETE", f"/v1/checkpoints/{checkpoint['id']}")
print(f"\nBoth went on from number {firsts[0]} with the dictionary intact.\n")
width = max(len(what) for what, _ in rows)
for what, value in rows:
    print(f"  {what:<{width}}  {value:>12}")
print()
