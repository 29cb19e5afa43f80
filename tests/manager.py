# A service manager for tests: opens a socket, and starts a program with it each
# time that a line comes from stdin, until its end. Keeps the socket meanwhile.
#
#	manager.py HOST PORT REUSEPORT COMMAND...
#
# Prints the port, then the pid of each program, and its status when it has
# ended.
import os, socket, sys

host, port, shared, command = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
listener.bind((host, port))
listener.listen(4096)
print(listener.getsockname()[1], flush=True)


def start():
    pid = os.fork()
    if pid:
        return pid
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)
    os.dup2(os.open("/dev/null", os.O_RDWR), 0)
    os.dup2(2, 1)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
    os.execvp(command[0], command)


for line in sys.stdin:
    pid = start()
    print(pid, flush=True)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
