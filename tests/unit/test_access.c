/* Lists of networks, against a naive reading of the same lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>

#include "base/fail.h"
#include "net/access.h"
#include "net/prefix.h"

#include <cmocka.h>

enum {
	LISTS = 400, RULES = 40, ASKED = 200,
	MANY = 10 * 1000, DECISIONS = 1000 * 1000,
#ifdef __SANITIZE_ADDRESS__
	SLOWER = 10,
#else
	SLOWER = 1,
#endif
};

struct rule {
	char text[64];
	struct prefix prefix;
	int bits;
	bool allow;
};

static struct addr
address_of(const char *text)
{
	struct addr a = { .len = sizeof(a.in6) };
	bool v6 = strchr(text, ':');

	a.sa.sa_family = v6 ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(a.sa.sa_family, text, v6 ?
	    (void *)&a.in6.sin6_addr : (void *)&a.in.sin_addr), 1);
	return a;
}

/* An address of a small world, so that networks contain each other. */
static void
random_address(char text[static 64])
{
	int a = rand() % 4, b = rand() % 4, c = rand() % 256;

	switch (rand() % 3) {
	case 0:
		snprintf(text, 64, "10.%d.%d.%d", a * 64, b * 64, c);
		break;
	case 1:
		snprintf(text, 64, "::ffff:10.%d.%d.%d", a * 64, b * 64, c);
		break;
	default:
		snprintf(text, 64, "2001:db8:%x::%x:%x", a << 14, b << 14, c);
	}
}

static void
random_rule(struct rule *r)
{
	struct prefix_reader reader = { .next = r->text };
	char address[64];
	int v6, width;

	random_address(address);
	v6 = strchr(address, ':') != NULL;
	width = v6 ? 128 : 32;
	r->bits = rand() % 4 ? width - rand() % 28 : rand() % (width + 1);
	/* a wider one would be a network of IPv6 */
	if (strstr(address, "ffff:10") && r->bits < 96)
		r->bits = 96;
	snprintf(r->text, sizeof(r->text), "%.40s/%d", address, r->bits);
	assert_int_equal(prefix_next(&reader, &r->prefix), 1);
	if (strstr(address, "ffff:10"))
		r->bits -= 96;
	r->allow = rand() % 2;
}

/* Whether the list has this very network already. */
static bool
is_repeated(const struct rule *rules, int n)
{
	for (int i = 0; i < n; i++)
		if (rules[i].bits == rules[n].bits &&
		    rules[i].prefix.base.sa.sa_family ==
		    rules[n].prefix.base.sa.sa_family &&
		    prefix_has(&rules[i].prefix, &rules[n].prefix.base))
			return true;
	return false;
}

static bool
naive(const struct rule *rules, int n, const struct addr *a)
{
	int longest = -1;
	bool allowed = true;

	for (int i = 0; i < n; i++)
		allowed &= !rules[i].allow;
	for (int i = 0; i < n; i++)
		if (prefix_has(&rules[i].prefix, a) &&
		    rules[i].bits > longest) {
			longest = rules[i].bits;
			allowed = rules[i].allow;
		}
	return allowed;
}

static void
the_longest_network_decides(void **state)
{
	struct rule rules[RULES];

	(void)state;
	srand(15);
	for (int list = 0; list < LISTS; list++) {
		struct access a = { 0 };
		int n = 0, most = rand() % RULES;

		while (n < most) {
			random_rule(&rules[n]);
			if (is_repeated(rules, n))
				continue;
			assert_int_equal(access_add(&a, rules[n].text,
			    rules[n].allow), 0);
			n++;
		}
		assert_int_equal(access_settle(&a), 0);
		for (int i = 0; i < ASKED; i++) {
			char text[64];
			struct addr from;

			random_address(text);
			from = address_of(text);
			assert_int_equal(access_allows(&a, &from),
			    naive(rules, n, &from));
		}
		access_free(&a);
	}
}

static uint64_t
hash_of(const char *allow, const char *deny)
{
	struct access a = { 0 };
	uint64_t hash;

	if (allow)
		assert_int_equal(access_add(&a, allow, true), 0);
	if (deny)
		assert_int_equal(access_add(&a, deny, false), 0);
	assert_int_equal(access_settle(&a), 0);
	hash = access_hash(&a);
	access_free(&a);
	return hash;
}

static void
the_same_rules_have_the_same_hash(void **state)
{
	uint64_t one = hash_of("10.0.0.0/8,::1", "10.1.0.0/16");

	(void)state;
	assert_true(one == hash_of("::1,10.9.9.9/8", "10.1.0.0/16"));
	assert_true(one == hash_of("10.0.0.0/8,::1,10.2.0.0/16,10.0.0.0/8",
	    "10.1.0.0/16,10.1.1.0/24,127.0.0.1"));
	assert_true(one == hash_of("::ffff:10.0.0.0/104,::1", "10.1.0.0/16"));
	assert_true(one != hash_of("10.0.0.0/8,::1", "10.1.0.0/17"));
	assert_true(one != hash_of("10.0.0.0/8,::1", NULL));
	assert_true(one != hash_of(NULL, "10.1.0.0/16"));
	assert_true(hash_of(NULL, NULL) == 0);
	assert_true(hash_of("any", NULL) == 0);
	assert_true(hash_of(NULL, "any") != 0);
}

static void
is_refused(const char *allow, const char *deny, const char *why)
{
	struct access a = { 0 };
	int result = allow ? access_add(&a, allow, true) : 0;

	if (result == 0 && deny)
		result = access_add(&a, deny, false);
	if (result == 0)
		result = access_settle(&a);
	assert_int_equal(result, -1);
	assert_int_equal(fail_status(), STATUS_USAGE);
	if (strncmp(fail_text(), why, strlen(why)) != 0)
		fail_msg("%s", fail_text());
	access_free(&a);
}

static void
a_bad_list_is_told_with_the_place(void **state)
{
	(void)state;
	is_refused("localhost", NULL, "localhost: want addresses");
	is_refused("10.0.0.0/8,10.0.0.0/33", NULL,
	    "10.0.0.0/33 (item 2): want");
	is_refused("x,10.0.0.0/8", NULL, "x (item 1): want");
	is_refused("any,10.0.0.0/8", NULL, "any (item 1): want");
	is_refused(NULL, "::1,,::2", "(item 2): want");
	is_refused(NULL, "::1,", "(item 2): want");
	is_refused("", NULL, ": want");
	is_refused("fe80::1%lo", NULL, "fe80::1%lo: want");
	is_refused("1.2.3.4/", NULL, "1.2.3.4/: want");
	is_refused("1.2.3/8", NULL, "1.2.3/8: want");
	is_refused("10.0.0.0/8", "::1,10.9.0.0/8",
	    "10.0.0.0/8 is both allowed and denied");
	is_refused("any", "any", "0.0.0.0/0 is both allowed and denied");
}

/* In time of the processor, which other processes cannot take. */
static void
a_million_decisions_take_less_than_a_second(void **state)
{
	static struct addr from[1024];
	struct access a = { 0 };
	unsigned allowed = 0;
	clock_t start;
	double seconds;
	char text[64];

	(void)state;
	srand(4);
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "%d.%d.%d.0/%d", rand() % 224,
		    rand() % 256, rand() % 256, 12 + rand() % 13);
		assert_int_equal(access_add(&a, text, true), 0);
	}
	assert_int_equal(access_settle(&a), 0);
	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
		snprintf(text, sizeof(text), "%d.%d.%d.1", rand() % 224,
		    rand() % 256, rand() % 256);
		from[i] = address_of(text);
	}
	start = clock();
	for (int i = 0; i < DECISIONS; i++)
		allowed += access_allows(&a, &from[i % 1024]);
	seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
	access_free(&a);
	assert_true(allowed > 0 && allowed < DECISIONS);
	print_message("%.2f s\n", seconds);
	assert_true(seconds < SLOWER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_network_decides),
		cmocka_unit_test(the_same_rules_have_the_same_hash),
		cmocka_unit_test(a_bad_list_is_told_with_the_place),
		cmocka_unit_test(a_million_decisions_take_less_than_a_second),
	};

	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
