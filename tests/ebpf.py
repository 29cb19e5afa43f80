"""A program of eBPF that gives all to one socket of a group: attach().

bpf(2) and the helper bpf_sk_select_reuseport() by hand: no library is needed.
"""
import ctypes
import os
import platform
import socket
import struct

CALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280}.get(platform.machine())
MAP_CREATE, MAP_UPDATE, PROG_LOAD = 0, 2, 5
SOCKARRAY, SK_REUSEPORT = 20, 21
SELECT = 82
ATTACH_EBPF = 52


def bpf(command, attributes):
    libc = ctypes.CDLL(None, use_errno=True)
    if CALL is None:
        raise OSError(38, "bpf(2) has another number here")
    room = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    found = libc.syscall(CALL, command, room, 128)
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


def instruction(code, to=0, source=0, offset=0, value=0):
    return struct.pack("BBhi", code, to | source << 4, offset, value)


def attach(s):
    """All of the group of s go to s. OSError if that is refused."""
    sockets = bpf(MAP_CREATE, struct.pack("IIII", SOCKARRAY, 4, 8, 1))
    program = b"".join([
        instruction(0x62, 10, 0, -4, 0),        # *(u32 *)(r10 - 4) = 0
        instruction(0x18, 2, 1, 0, sockets),    # r2 = the map
        instruction(0),
        instruction(0xbf, 3, 10),               # r3 = r10
        instruction(0x07, 3, 0, 0, -4),         # r3 += -4
        instruction(0xb7, 4, 0, 0, 0),          # r4 = 0
        instruction(0x85, 0, 0, 0, SELECT),
        instruction(0xb7, 0, 0, 0, 1),          # r0 = SK_PASS
        instruction(0x95),                      # return
    ])
    code = ctypes.create_string_buffer(program, len(program))
    text = ctypes.create_string_buffer(b"GPL")
    fd = bpf(PROG_LOAD, struct.pack("IIQQ", SK_REUSEPORT, len(program) // 8,
                                    ctypes.addressof(code),
                                    ctypes.addressof(text)))
    key = ctypes.create_string_buffer(struct.pack("I", 0))
    value = ctypes.create_string_buffer(struct.pack("Q", s.fileno()))
    bpf(MAP_UPDATE, struct.pack("IIQQQ", sockets, 0, ctypes.addressof(key),
                                ctypes.addressof(value), 0))
    s.setsockopt(socket.SOL_SOCKET, ATTACH_EBPF, fd)
    os.close(fd)
    os.close(sockets)
