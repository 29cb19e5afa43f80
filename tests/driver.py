"""What the drivers faults.py and kills.py share: findings, and processes."""


class Finding(Exception):
    """Something that must hold does not."""


def check(holds, what):
    if not holds:
        raise Finding(what)


def children(pid):
    """The pids of its children; none if it has ended."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def tree(pid):
    """The pids of it and of all processes below it."""
    found = [pid]
    for p in found:
        found += children(p)
    return found
