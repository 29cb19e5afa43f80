/* A descriptor that passes to another process, and messages that lack one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/rights.h"

#include <cmocka.h>

static int pair[2];

static int
open_pair(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, pair);
}

static int
close_pair(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

/* The lowest free descriptor: higher if one has leaked. */
static int
lowest_free(void)
{
	int fd = dup(pair[0]);

	close(fd);
	return fd;
}

/* Sends a byte with this many descriptors, all of them a copy of one end. */
static void
send_many(int count)
{
	union {
		char room[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} r = { .room = "" };
	char one = 1;
	struct iovec byte = { .iov_base = &one, .iov_len = 1 };
	size_t length = (size_t)count * sizeof(int);
	struct msghdr m = { .msg_iov = &byte, .msg_iovlen = 1 };

	if (count) {
		m.msg_control = r.room;
		m.msg_controllen = CMSG_SPACE(length);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(length),
		};
	}
	for (int i = 0; i < count; i++)
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)) + (size_t)i * sizeof(int),
		    pair, sizeof(int));
	assert_int_equal(sendmsg(pair[0], &m, 0), 1);
}

static void
one_descriptor_arrives(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(rights_send(pair[0], pair[0]), 0);
	fd = rights_receive(pair[1]);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(rights_receive(pair[1]), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
a_message_with_none_or_with_more_leaks_nothing(void **state)
{
	static const int counts[] = { 0, 2, 3, 8 };
	int lowest = lowest_free();

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		send_many(counts[i]);
		assert_int_equal(rights_receive(pair[1]), -1);
		assert_int_equal(errno, ENOMSG);
		assert_int_equal(lowest_free(), lowest);
	}
}

static void
the_end_of_file_is_no_lost_descriptor(void **state)
{
	(void)state;
	shutdown(pair[0], SHUT_WR);
	assert_int_equal(rights_receive(pair[1]), -1);
	assert_int_equal(errno, EPIPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_descriptor_arrives,
		    open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    a_message_with_none_or_with_more_leaks_nothing,
		    open_pair, close_pair),
		cmocka_unit_test_setup_teardown(
		    the_end_of_file_is_no_lost_descriptor,
		    open_pair, close_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
