"""Runs a grader that was converted from Python 2.

In Python 2 the bytes of a file, a pipe or a socket are text, and `map` gives a
list. A grader gets that here: each byte is the character of the same number.
"""

import builtins
import os
import socket
import sys

BYTES = "latin-1"

plain_map, plain_filter, plain_zip = map, filter, zip
builtins.map = lambda *arguments: list(plain_map(*arguments))
builtins.filter = lambda *arguments: list(plain_filter(*arguments))
builtins.zip = lambda *arguments: list(plain_zip(*arguments))
builtins.unicode = str
builtins.xrange = range

plain_open = builtins.open


def open_as_text(name, mode="r", *arguments, **options):
    if "b" not in mode and not arguments and "encoding" not in options:
        options["encoding"] = BYTES
    return plain_open(name, mode, *arguments, **options)


plain_read = os.read


def read_as_text(descriptor, count):
    return plain_read(descriptor, count).decode(BYTES)


class Socket(socket.socket):
    def recv(self, *arguments):
        return super().recv(*arguments).decode(BYTES)

    def send(self, data, *arguments):
        return super().send(as_bytes(data), *arguments)

    def sendall(self, data, *arguments):
        return super().sendall(as_bytes(data), *arguments)


def as_bytes(data):
    return data.encode(BYTES) if isinstance(data, str) else data


# What the program below is loaded with comes first.
with plain_open(sys.argv[1], "rb") as file:
    program = compile(file.read(), sys.argv[1], "exec")
del sys.argv[0]
sys.path[0] = os.getcwd()
import gradelib  # noqa: E402 (with the machine's own `open`, as it is loaded by Python)

gradelib.open = open_as_text
builtins.open = open_as_text
# Only the grader's view of the two: Python uses the real ones itself.
gradelib.os = type(os)("os")
gradelib.os.__dict__.update(os.__dict__)
gradelib.os.read = read_as_text
gradelib.socket = type(socket)("socket")
gradelib.socket.__dict__.update(socket.__dict__)
gradelib.socket.socket = Socket
exec(program, {"__name__": "__main__", "__file__": sys.argv[0]})
