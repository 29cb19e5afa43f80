/*
 * Servers that --compare starts: rpnc echo in a child process. --ready-fd gives
 * its address; its CPU clock, and those of its children, give its CPU time.
 * SIGTERM ends it, and after a while SIGKILL. It also ends if rpnc ends.
 */
#include "ops/test_server.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/loop.h"
#include "base/standard_fds.h"
#include "kernel/proc.h"

enum {
	WORDS = 32,
	READY_FD = 3,
	PATIENCE_US = 3 * 1000 * 1000,
	TICK_NS = 2 * 1000 * 1000,
};

/*
 * Executes the server, in the child. It ignores the terminal's ^C, which the
 * parent handles, and prints only errors.
 */
static void
test_server_exec(const char *command, int ready, pid_t parent)
{
	char text[sizeof(((struct test_server *)0)->command) + 40];
	char *words[WORDS], *rest = text, *word;
	int n = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || null < 0)
		_exit(1);
	snprintf(text, sizeof(text), "%s -q --ready-fd %d", command,
	    READY_FD);
	while (n < WORDS - 1 && (word = strsep(&rest, " ")))
		words[n++] = word;
	words[n] = NULL;
	signal(SIGINT, SIG_IGN);
	unsetenv("NOTIFY_SOCKET");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (ready == READY_FD)
		fcntl(ready, F_SETFD, 0);
	else
		dup2(ready, READY_FD);
	fds_close_from(READY_FD + 1, false);
	execv("/proc/self/exe", words);
	_exit(1);
}

int
test_server_start(struct test_server *c, const char *options)
{
	pid_t parent = getpid();
	int ends[2];

	*c = (struct test_server){ .ready = -1 };
	snprintf(c->command, sizeof(c->command), "rpnc echo %s 127.0.0.1 0",
	    options);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail("pipe");
	c->pid = fork();
	if (c->pid == 0)
		test_server_exec(c->command, ends[1], parent);
	close(ends[1]);
	c->ready = ends[0];
	if (c->pid > 0)
		return 0;
	c->pid = 0;
	return fail("fork");
}

int
test_server_await(struct test_server *c)
{
	char line[64], *words[] = { line };
	size_t length = 0;
	ssize_t n;

	while (length < sizeof(line) - 1 && ((n = read(c->ready,
	    line + length, sizeof(line) - 1 - length)) > 0 ||
	    (n < 0 && errno == EINTR)))
		length += n > 0 ? (size_t)n : 0;
	close(c->ready);
	c->ready = -1;
	line[length] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!length)
		return fail_as(STATUS_NETWORK, "'%s' did not start",
		    c->command);
	return endpoint_parse(&c->at, 1, words);
}

static double
process_cpu(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &t) < 0)
		return NAN;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU time of its children that have ended, in whole ticks (proc(5)). */
static double
ended_children_cpu(pid_t pid)
{
	char text[PROC_STAT], *rest;
	const char *at = proc_stat(pid, 16, text);
	unsigned long user, system;

	if (!at)
		return NAN;
	user = strtoul(at, &rest, 10);
	system = strtoul(rest, NULL, 10);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double
test_server_cpu(const struct test_server *c)
{
	double sum = process_cpu(c->pid) + ended_children_cpu(c->pid);
	char path[64];
	FILE *in;
	int child;

	snprintf(path, sizeof(path), "task/%d/children", (int)c->pid);
	in = proc_open(c->pid, path);
	if (!in)
		return NAN;
	while (fscanf(in, "%d", &child) == 1) {
		double one = process_cpu((pid_t)child);

		sum += isfinite(one) ? one : 0;
	}
	fclose(in);
	return sum;
}

static bool
has_ended(struct test_server *c)
{
	if (c->pid && waitpid(c->pid, NULL, WNOHANG) != 0)
		c->pid = 0;
	return !c->pid;
}

void
test_servers_stop(struct test_server *c, int count)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	int64_t end = loop_now() + PATIENCE_US;
	int left = count;

	for (int i = 0; i < count; i++) {
		if (c[i].pid)
			kill(c[i].pid, SIGTERM);
		if (c[i].pid && c[i].ready >= 0)
			close(c[i].ready);
	}
	while (left && loop_now() < end) {
		left = 0;
		for (int i = 0; i < count; i++)
			left += !has_ended(&c[i]);
		if (left)
			nanosleep(&tick, NULL);
	}
	for (int i = 0; i < count; i++)
		if (c[i].pid) {
			kill(c[i].pid, SIGKILL);
			waitpid(c[i].pid, NULL, 0);
			c[i].pid = 0;
		}
}
