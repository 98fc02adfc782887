"""A small grader's library: boots a program, and looks for lines."""

from __future__ import print_function

import os
import re
import select
import socket
import subprocess
import sys
import time

CASES = []
MAKE = ["make", "-s", "--no-print-directory"]


def case(points, program, cpus=1, stop="readline", limit=60):
    """Declares a case; the function gets what the console showed."""

    def declare(check):
        CASES.append((points, program, cpus, stop, limit, check))
        return check

    return declare


def wanted(output, *patterns):
    """Each must be how a line begins."""
    missing = [p for p in patterns if not any(re.match(p, line) for line in output.splitlines())]
    assert not missing, "missing %s in\n%s" % (missing, output)


def symbol(name):
    with open("obj/kern/kernel.sym") as listing:
        found = [line for line in listing if line[11:].strip() == name]
    assert found, "no symbol %s" % name
    return int(found[0][:8], 16)


def port():
    return int(subprocess.check_output(MAKE + ["print-gdbport"]))


def send(gdb, text):
    gdb.sendall(("$%s#%02x" % (text, sum(map(ord, text)) % 256)).encode("ascii"))


def connect(process, number):
    """As soon as something is printed, and only then, somebody must listen."""
    output = b""
    while True:
        ready, _, _ = select.select([process.stdout], [], [], 60)
        assert ready, "nobody listens:\n%s" % output.decode("utf-8", "replace")
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, "make failed:\n%s" % output.decode("utf-8", "replace")
        output += piece
        if b"\n" not in piece:
            continue
        try:
            return output, socket.create_connection(("127.0.0.1", number), 2)
        except socket.error:
            pass


def boot(program, cpus, stop, limit):
    for stale in ("obj/kern/init.o", "obj/kern/kernel.sym"):
        if os.path.exists(stale):
            os.unlink(stale)
    target = ["run-%s-nox-gdb" % program, "CPUS=%d" % cpus, "QEMUEXTRA+=-snapshot"]
    number = port()
    process = subprocess.Popen(
        MAKE + target,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, gdb = connect(process, number)
    send(gdb, "Z1,%x,1" % symbol(stop))
    send(gdb, "c")
    deadline = time.time() + limit
    stopped = b""
    while b"$T05" not in stopped:
        left = deadline - time.time()
        assert left > 0, "it never stopped:\n%s" % output.decode("utf-8", "replace")
        ready, _, _ = select.select([process.stdout, gdb], [], [], left)
        if gdb in ready:
            stopped += gdb.recv(4096)
        if process.stdout in ready:
            output += os.read(process.stdout.fileno(), 4096)
    process.terminate()
    while True:
        piece = os.read(process.stdout.fileno(), 4096)
        if not piece:
            break
        output += piece
    gdb.close()
    process.wait()
    return output.decode("utf-8", "replace")


def run_tests():
    titles = [word for word in sys.argv[1:] if word != "-v"]
    if "-v" in sys.argv:
        from pipes import quote

        print("$ " + " ".join(map(quote, MAKE)))
    subprocess.check_call(["make"])
    got = possible = 0
    for points, program, cpus, stop, limit, check in CASES:
        if titles and not any(title in program for title in titles):
            continue
        possible += points
        try:
            check(boot(program, cpus, stop, limit))
        except AssertionError as error:
            print("%s: FAIL %s" % (program, error))
            with open("out." + program, "w") as saved:
                saved.write(str(error))
        else:
            got += points
            print("%s: OK" % program)
    print("Score: %d/%d" % (got, possible))
    sys.exit(got < possible)
