/* URLs of proxies, and users with their passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "net/proxy_hop.h"

/* Last: its macros, fail() among them, would rewrite the others. */
#include <cmocka.h>

static void
reads(const char *url, enum proxy_scheme scheme, const char *host, int port,
    const char *name)
{
	struct proxy_hop h;

	assert_int_equal(proxy_hop_parse(&h, url), 0);
	assert_int_equal(h.scheme, scheme);
	assert_string_equal(h.endpoint.host, host);
	assert_int_equal(h.endpoint.port, port);
	assert_string_equal(h.name, name);
}

static void
a_url_has_scheme_host_and_port(void **state)
{
	(void)state;
	reads("socks5://a.example:99", PROXY_SOCKS5, "a.example", 99,
	    "socks5://a.example:99");
	reads("socks5h://127.0.0.1", PROXY_SOCKS5H, "127.0.0.1", 1080,
	    "socks5h://127.0.0.1:1080");
	reads("http://a.b/", PROXY_HTTP, "a.b", 1080, "http://a.b:1080");
	reads("http://[::1]:8080", PROXY_HTTP, "::1", 8080,
	    "http://[::1]:8080");
	reads("socks5://[::1]", PROXY_SOCKS5, "::1", 1080,
	    "socks5://[::1]:1080");
	reads("socks5://me:secret@[::1]:7/", PROXY_SOCKS5, "::1", 7,
	    "socks5://[::1]:7");
}

static void
logs_in(const char *url, const char *user, const char *password)
{
	struct proxy_hop h;

	assert_int_equal(proxy_hop_parse(&h, url), 0);
	assert_true(h.login);
	assert_string_equal(h.user, user);
	assert_string_equal(h.password, password);
}

static void
user_and_password_are_percent_decoded(void **state)
{
	(void)state;
	logs_in("http://m.e:secret@a", "m.e", "secret");
	logs_in("socks5://m.%65%3a:%40%2F%25@a", "m.e:", "@/%");
	logs_in("http://m.e@a", "m.e", "");
	logs_in("http://m.e:a:b@c@a", "m.e", "a:b@c");
}

static void
malformed_urls_are_refused_without_the_password(void **state)
{
	static const char *const bad[] = {
		"", "a", "a:1", "socks5:", "socks5:/", "socks4://a", "://a",
		"https://a.b", "SOCKS5://a", "socks5://", "socks5://:1",
		"socks5:///", "socks5://a:", "socks5://a:0", "socks5://a:-1",
		"socks5://a:65536", "socks5://a:1x", "socks5://a:123456",
		"socks5://a:http", "socks5://::1", "socks5://::1:99",
		"socks5://[::1", "socks5://::1]", "socks5://[::1]x",
		"socks5://[::1]:", "socks5://[]:1", "socks5://[x:]:1",
		"http://a.b/b", "http://a.b?b", "http://a.b#b", "http://a.b:1/b",
		"http://@a", "http://:secret.@a", "http://m.e:secret%@a",
		"http://m.e:secret%2@a", "http://m.e:secret%zz@a",
		"http://m.e:secret%00@a", "http://m.e:secret@",
		"http://m.e:secret@a/b", "x://m.e:secret@a",
		"http://m.e:secret", "socks5://m.e:secret", "m.e:secret",
		"socks5:m.e:secret", "http://m.e:x@a:secret", "x:secret@a",
		"http://m.%3ae:secret@a",
	};
	struct proxy_hop h;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (proxy_hop_parse(&h, bad[i]) == 0)
			fail_msg("%s is accepted", bad[i]);
		assert_int_equal(fail_status(), STATUS_USAGE);
		if (strstr(fail_text(), "secret"))
			fail_msg("%s", fail_text());
	}
}

static void
what_is_too_long_is_refused(void **state)
{
	char text[1200], many[300];
	struct proxy_hop h;

	(void)state;
	memset(many, 'x', sizeof(many));
	many[255] = '\0';
	snprintf(text, sizeof(text), "http://%s:%s@%s:65535", many, many, many);
	assert_int_equal(proxy_hop_parse(&h, text), 0);
	assert_int_equal(strlen(h.user), 255);
	assert_int_equal(strlen(h.name), 7 + 255 + 6);
	snprintf(text, sizeof(text), "http://x.%s@a", many);
	assert_int_equal(proxy_hop_parse(&h, text), -1);
	snprintf(text, sizeof(text), "http://x.x:x%s@a", many);
	assert_int_equal(proxy_hop_parse(&h, text), -1);
	snprintf(text, sizeof(text), "http://x.%s", many);
	assert_int_equal(proxy_hop_parse(&h, text), -1);
	snprintf(text, sizeof(text), "http://%s%s%s", many, many, many);
	assert_int_equal(proxy_hop_parse(&h, text), -1);
}

static int
line(struct proxy_hop *h, const char *text)
{
	memset(h, 0, sizeof(*h));
	return proxy_hop_set_login(h, text, strlen(text));
}

static void
a_line_is_user_and_password_as_they_are(void **state)
{
	char many[300];
	struct proxy_hop h;

	(void)state;
	assert_int_equal(line(&h, "me:a:b%40"), 0);
	assert_string_equal(h.user, "me");
	assert_string_equal(h.password, "a:b%40");
	assert_int_equal(line(&h, "me:"), 0);
	assert_int_equal(line(&h, "me"), -1);
	assert_int_equal(line(&h, ":secret"), -1);
	assert_false(h.login);
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	many[255] = ':';
	assert_int_equal(line(&h, many), 0);
	many[255] = 'x';
	many[256] = ':';
	assert_int_equal(line(&h, many), -1);
	many[1] = ':';
	many[257] = '\0';
	assert_int_equal(line(&h, many), 0);
	many[257] = 'x';
	assert_int_equal(line(&h, many), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_has_scheme_host_and_port),
		cmocka_unit_test(user_and_password_are_percent_decoded),
		cmocka_unit_test(
		    malformed_urls_are_refused_without_the_password),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(a_line_is_user_and_password_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
