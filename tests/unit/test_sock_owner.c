#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/sock_owner.h"
#include "net/sock.h"

/* Last: its macros, fail() among them, would rewrite the others. */
#include <cmocka.h>

enum { NOBODY = 65534, MANY = 50 };

/* A child that says one number, then lives until it is told, or killed. */
struct child {
	pid_t pid;
	int say, tell;
	uint64_t said;
};

static int
new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static void
child_run(int say, int tell, uint64_t (*body)(void *), void *arg)
{
	uint64_t said;
	char byte;

	/* A test that fails leaves nobody behind, not even stopped. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	said = body(arg);
	if (write(say, &said, sizeof(said)) == sizeof(said))
		while (read(tell, &byte, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

static struct child
child_start(uint64_t (*body)(void *), void *arg)
{
	struct child c;
	int up[2], down[2];

	assert_int_equal(pipe(up), 0);
	assert_int_equal(pipe(down), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0) {
		close(down[1]);
		child_run(up[1], down[0], body, arg);
	}
	close(up[1]);
	close(down[0]);
	c.say = up[0];
	c.tell = down[1];
	assert_int_equal(read(c.say, &c.said, sizeof(c.said)), sizeof(c.said));
	return c;
}

static void
child_kill(struct child *c)
{
	assert_int_equal(kill(c->pid, SIGKILL), 0);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
	close(c->say);
	close(c->tell);
}

static uint64_t
opens_socket(void *arg)
{
	(void)arg;
	return sock_inode(new_socket());
}

static uint64_t
opens_socket_there(void *arg)
{
	int *there = arg;

	return sock_inode(dup2(new_socket(), *there));
}

static uint64_t
does_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static uint64_t
becomes_nobody(void *arg)
{
	(void)arg;
	if (setuid(NOBODY) < 0)
		return 0;
	return sock_inode(new_socket());
}

static uint64_t
acts_as_nobody(void *arg)
{
	(void)arg;
	if (seteuid(NOBODY) < 0)
		return 0;
	return sock_inode(new_socket());
}

/* As another uid, looks for a socket that it doesn't hold itself. */
static uint64_t
looks_as_nobody(void *arg)
{
	int *fd = arg;
	uint64_t inode = sock_inode(*fd);
	struct owner found;
	struct owners *o;

	close(*fd);
	if (setuid(NOBODY) < 0)
		return 99;
	o = owners_new();
	return o ? owners_find(o, inode, &found) : 98;
}

static void
test_own(void **state)
{
	struct owners *o = *state;
	int fd = new_socket();
	struct owner found;

	assert_int_equal(prctl(PR_SET_NAME, "owner-test"), 0);
	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_int_equal(found.pid, getpid());
	assert_int_equal(found.uid, geteuid());
	assert_string_equal(found.command, "owner-test");
	assert_int_equal(found.holders, 1);
	close(fd);
}

static void
test_untrusted_name(void **state)
{
	static const char name[] = ") Z\n\x1b[\xff x";
	struct owners *o = *state;
	int fd = new_socket();
	struct owner found;

	assert_int_equal(prctl(PR_SET_NAME, name), 0);
	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_string_equal(found.command, name);
	assert_int_equal(owner_state(getpid()), 'R');
	assert_int_equal(prctl(PR_SET_NAME, "fifteen bytes.\n"), 0);
	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_string_equal(found.command, "fifteen bytes.\n");
	close(fd);
}

static void
test_child(void **state)
{
	struct owners *o = *state;
	struct child c = child_start(opens_socket, NULL);
	struct owner found;

	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(found.pid, c.pid);
	assert_int_equal(found.holders, 1);
	child_kill(&c);
}

static void
test_inherited(void **state)
{
	struct owners *o = *state;
	int fd = new_socket(), moved;
	struct child c;
	struct owner found;
	pid_t pids[3] = { -1, -1, -1 }, me = getpid();

	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_int_equal(found.holders, 1);
	c = child_start(does_nothing, NULL);
	owners_refresh(o);
	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_int_equal(found.holders, 2);
	assert_int_equal(found.pid, me < c.pid ? me : c.pid);
	assert_int_equal(owners_holders(o, sock_inode(fd), pids, 3), 2);
	assert_int_equal(pids[0], me < c.pid ? me : c.pid);
	assert_int_equal(pids[1], me < c.pid ? c.pid : me);
	assert_int_equal(pids[2], -1);
	pids[1] = -1;
	assert_int_equal(owners_holders(o, sock_inode(fd), pids, 1), 2);
	assert_int_equal(pids[1], -1);
	/* One of them now holds it by another descriptor. */
	moved = dup(fd);
	close(fd);
	fd = moved;
	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_int_equal(found.holders, 2);
	child_kill(&c);
	assert_int_equal(owners_find(o, sock_inode(fd), &found), 1);
	assert_int_equal(found.holders, 1);
	assert_int_equal(found.pid, me);
	close(fd);
}

static void
test_killed(void **state)
{
	struct owners *o = *state;
	struct child c = child_start(opens_socket, NULL);
	struct owner found = { 0 };

	assert_int_equal(owners_find(o, c.said, &found), 1);
	child_kill(&c);
	found.pid = -7;
	assert_int_equal(owners_find(o, c.said, &found), 0);
	assert_int_equal(found.pid, -7);
	assert_int_equal(owners_holders(o, c.said, &found.pid, 1), 0);
}

/* Dead but not reaped: it holds nothing any more. */
static void
test_zombie(void **state)
{
	struct owners *o = *state;
	struct child c = child_start(opens_socket, NULL);
	struct owner found;
	siginfo_t info;

	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(kill(c.pid, SIGSTOP), 0);
	assert_int_equal(waitpid(c.pid, NULL, WUNTRACED), c.pid);
	assert_int_equal(owner_state(c.pid), 'T');
	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(kill(c.pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, c.pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(owner_state(c.pid), 'Z');
	assert_int_equal(owners_find(o, c.said, &found), 0);
	child_kill(&c);
	assert_int_equal(owner_state(c.pid), -1);
}

static void
test_moved_and_closed(void **state)
{
	struct owners *o = *state;
	int fd = new_socket(), copy;
	uint64_t inode = sock_inode(fd);
	struct owner found;

	assert_int_equal(owners_find(o, inode, &found), 1);
	copy = dup(fd);
	owners_refresh(o);
	assert_int_equal(owners_find(o, inode, &found), 1);
	assert_int_equal(found.holders, 1);
	close(fd);
	assert_int_equal(owners_find(o, inode, &found), 1);
	assert_int_equal(found.holders, 1);
	/* The number now stands for another socket. */
	assert_int_equal(new_socket(), fd);
	assert_int_equal(owners_find(o, inode, &found), 1);
	close(copy);
	assert_int_equal(owners_find(o, inode, &found), 0);
	close(fd);
}

/* The known processes are read in the order they were met: child, parent. */
static void
test_ascending(void **state)
{
	struct owners *o = *state;
	int there = 77, mine = new_socket(), more, pidfd, copy;
	struct child c = child_start(opens_socket_there, &there);
	struct owner found;
	pid_t pids[2], me = getpid();

	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(owners_find(o, sock_inode(mine), &found), 1);
	pidfd = syscall(SYS_pidfd_open, c.pid, 0);
	copy = syscall(SYS_pidfd_getfd, pidfd, there, 0);
	if (copy < 0)
		skip();
	more = new_socket();
	assert_int_equal(owners_find(o, sock_inode(more), &found), 1);
	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(found.holders, 2);
	assert_int_equal(owners_holders(o, c.said, pids, 2), 2);
	assert_int_equal(pids[0], me < c.pid ? me : c.pid);
	assert_int_equal(pids[1], me < c.pid ? c.pid : me);
	assert_int_equal(found.pid, pids[0]);
	child_kill(&c);
	close(more);
	close(copy);
	close(pidfd);
	close(mine);
}

/* Far more often than all of /proc may be read. */
static void
test_new_sockets(void **state)
{
	struct owners *o = *state;
	struct owner found;
	int fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = new_socket();
		assert_int_equal(owners_find(o, sock_inode(fds[i]), &found), 1);
		assert_int_equal(found.pid, getpid());
		assert_int_equal(found.holders, 1);
	}
	for (int i = 0; i < MANY; i++)
		assert_int_equal(owners_find(o, sock_inode(fds[i]), &found), 1);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

static void
test_refresh(void **state)
{
	struct owners *o = *state;
	struct owner found;

	for (int i = 0; i < 5; i++) {
		struct child c = child_start(opens_socket, NULL);

		owners_refresh(o);
		assert_int_equal(owners_find(o, c.said, &found), 1);
		assert_int_equal(found.pid, c.pid);
		child_kill(&c);
	}
}

static void
test_unknown(void **state)
{
	struct owners *o = *state;
	struct owner found;
	pid_t pid;

	assert_int_equal(owners_find(o, 0, &found), 0);
	assert_int_equal(owners_find(o, UINT64_MAX, &found), 0);
	assert_int_equal(owners_find(o, UINT64_MAX, &found), 0);
	assert_int_equal(owners_holders(o, UINT64_MAX, &pid, 1), 0);
	assert_int_equal(owner_state(0), -1);
}

/* A server that gave its privileges up: /proc/PID belongs to root then. */
static void
test_other_uid(void **state)
{
	struct owners *o = *state;
	struct owner found;
	struct child c;
	int fd;

	if (geteuid() != 0)
		skip();
	c = child_start(becomes_nobody, NULL);
	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(found.pid, c.pid);
	assert_int_equal(found.uid, NOBODY);
	child_kill(&c);
	c = child_start(acts_as_nobody, NULL);
	owners_refresh(o);
	assert_int_equal(owners_find(o, c.said, &found), 1);
	assert_int_equal(found.uid, NOBODY);
	child_kill(&c);
	fd = new_socket();
	c = child_start(looks_as_nobody, &fd);
	assert_int_equal(c.said, 0);
	child_kill(&c);
	close(fd);
}

/*
 * A descriptor is known once it was returned, and forgotten after 128 others.
 */
static void
test_held_by(void **state)
{
	struct owners *o = *state;
	struct owner found;
	pid_t self = getpid(), parent = getppid();
	int fd = new_socket(), next, high;
	uint64_t inode = sock_inode(fd);

	assert_false(owners_held_by(o, inode, self));
	assert_int_equal(owners_find(o, inode, &found), 1);
	assert_true(owners_held_by(o, inode, self));
	assert_false(owners_held_by(o, inode, parent));
	assert_false(owners_held_by(o, 0, self));
	close(fd);
	assert_false(owners_held_by(o, inode, self));
	next = new_socket();
	assert_int_equal(next, fd);
	assert_true(owners_held_by(o, sock_inode(next), self));
	high = fcntl(next, F_DUPFD_CLOEXEC, 100);
	close(next);
	assert_false(owners_held_by(o, sock_inode(high), self));
	for (int i = 0; i < 130; i++) {
		assert_int_equal(dup2(high, 120 + i), 120 + i);
		inode = sock_inode(high);
		close(high);
		high = 120 + i;
		assert_int_equal(owners_find(o, inode, &found), 1);
		assert_int_equal(found.fd, high);
		assert_true(owners_held_by(o, inode, self));
		close(high);
		high = new_socket();
		next = fcntl(high, F_DUPFD_CLOEXEC, 100);
		close(high);
		high = next;
	}
	assert_int_equal(dup2(high, fd), fd);
	assert_false(owners_held_by(o, sock_inode(high), self));
	close(high);
	assert_false(owners_held_by(o, sock_inode(fd), self));
	close(fd);
}

/* What is read on the way to another socket is known, in any order. */
static void
test_held_by_met(void **state)
{
	enum { SOCKETS = 20 };
	struct owners *o = *state;
	struct owner found;
	pid_t self = getpid();
	int fds[SOCKETS];

	for (int i = 0; i < SOCKETS; i++) {
		fds[i] = new_socket();
		assert_int_equal(owners_find(o, sock_inode(fds[i]), &found), 1);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < SOCKETS; i++)
			close(fds[i]);
		for (int i = 0; i < SOCKETS; i++)
			fds[i] = new_socket();
		for (int i = 0; i < SOCKETS; i++) {
			int at = fds[i * 7 % SOCKETS];

			assert_true(owners_held_by(o, sock_inode(at), self));
			assert_true(owners_held_by(o, sock_inode(at), self));
		}
	}
	for (int i = 0; i < SOCKETS; i++)
		close(fds[i]);
}

static int
owners_open(void **state)
{
	*state = owners_new();
	return *state ? 0 : -1;
}

static int
owners_close(void **state)
{
	owners_free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, owners_open, \
    owners_close)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own),
		TEST(test_held_by_met),
		TEST(test_untrusted_name),
		TEST(test_child),
		TEST(test_inherited),
		TEST(test_killed),
		TEST(test_zombie),
		TEST(test_moved_and_closed),
		TEST(test_ascending),
		TEST(test_new_sockets),
		TEST(test_refresh),
		TEST(test_unknown),
		TEST(test_other_uid),
		TEST(test_held_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
