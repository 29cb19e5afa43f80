#!/usr/bin/env python3
"""refuse.py ERROR SYSCALL [SECOND] -- COMMAND...: with a seccomp filter.

The system call of that number fails with that error, only if its second
argument is SECOND where that is given. ERROR none: it does nothing, and
returns 0.
"""
import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
SECOND = 16 + 8  # in struct seccomp_data

end = sys.argv.index("--")
error, call, *second = sys.argv[1:end]
number = 0 if error == "none" else getattr(errno, error)
code = [(LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 3 if second else 1, int(call))]
if second:
    code += [(LOAD, 0, 0, SECOND), (JUMP_EQUAL, 0, 1, int(second[0]))]
code += [(RETURN, 0, 0, ERRNO | number), (RETURN, 0, 0, ALLOW)]
text = ctypes.create_string_buffer(b"".join(
    struct.pack("HBBI", *one) for one in code))
program = ctypes.create_string_buffer(
    struct.pack("HL", len(code), ctypes.addressof(text)))
libc = ctypes.CDLL(None, use_errno=True)
if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or
        libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0)):
    sys.exit("no seccomp: " + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
