#!/usr/bin/env python3
"""Stops one thread of a process, and only that one, until the process ends: freeze_thread.py PID NAME.

Prints `frozen` when the thread stands still. As root, or with ptrace permitted."""

import ctypes
import os
import sys

# From <sys/ptrace.h> and <sys/wait.h>.
PTRACE_ATTACH = 16
WALL = 0x40000000


def thread_named(process, name):
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/comm") as file:
            if file.read().strip() == name:
                return int(thread)
    sys.exit(f"process {process} has no thread {name}")


def main():
    process, name = int(sys.argv[1]), sys.argv[2]
    libc = ctypes.CDLL(None, use_errno=True)
    thread = thread_named(process, name)
    if libc.ptrace(PTRACE_ATTACH, thread, None, None) != 0:
        sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(thread, WALL)
    print("frozen", flush=True)
    # Never continued: the next thing it does is to die with its process. Without this wait the process could not end.
    while True:
        _, status = os.waitpid(thread, WALL)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return


main()
