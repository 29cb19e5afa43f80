/*
 * The options of proxies: a chain from the URLs of --proxy, then the logins of
 * --proxy-auth-file or, without that, of the environment. All of it is checked
 * before a packet is sent, also a line that no proxy needs: a line that is
 * broken may have moved those behind it to another proxy.
 */
#include "cmd/proxy_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/fail.h"
#include "net/proxy_route.h"

#define FILE_OPTION "--proxy-auth-file"
#define VARIABLE "RPNC_PROXY_AUTH"

_Static_assert((int)PROXY_HOPS >= (int)OPT_LIST_MAX, "a hop for each --proxy");

static int
take_urls(const struct settings *s, struct proxy_chain *out)
{
	bool shown = false;

	for (out->count = 0; out->count < s->proxies.count; out->count++) {
		struct proxy_hop *hop = &out->hop[out->count];

		if (proxy_hop_parse(hop, s->proxies.at[out->count]) < 0)
			return fail_option("--proxy");
		hop->endpoint.numeric = s->numeric;
		shown |= hop->password[0] != '\0';
	}
	if (shown && !s->quiet) {
		fail_as(STATUS_USAGE, "--proxy: every user can see this "
		    "password with ps(1): use " FILE_OPTION " or " VARIABLE);
		report_error(s->command);
	}
	return 0;
}

/* The file or the variable can't be read. */
static int
logins_unreadable(const struct settings *s, const char *from)
{
	return fail_as(STATUS_USAGE, "%s %s: %s", from, s->proxy_auth_file ?
	    s->proxy_auth_file : "", strerror(errno));
}

/* Without its end, CR LF or LF. */
static size_t
login_length(const char *line, size_t length)
{
	if (length && line[length - 1] == '\n')
		length--;
	return length && line[length - 1] == '\r' ? length - 1 : length;
}

/* Sets a hop's login, if it has none from its URL; checks the line anyway. */
static int
take_line(struct proxy_hop *hop, const char *line, size_t length)
{
	struct proxy_hop unused;

	return length ? proxy_hop_set_login(hop->login ? &unused : hop, line,
	    length) : 0;
}

/* Line N is for proxy N; an empty one, and a proxy with a login, go without. */
static int
take_logins(FILE *in, const struct settings *s, const char *from,
    struct proxy_chain *out)
{
	char *line = NULL, place[40];
	size_t room = 0;
	ssize_t n;
	int result = 0;

	for (int i = 0; i < out->count && result == 0 &&
	    (n = getline(&line, &room, in)) >= 0; i++) {
		snprintf(place, sizeof(place), "%s line %d:", from, i + 1);
		if (take_line(&out->hop[i], line,
		    login_length(line, (size_t)n)) < 0)
			result = fail_option(place);
	}
	if (result == 0 && ferror(in))
		result = logins_unreadable(s, from);
	free(line);
	return result;
}

/* Opens the users and passwords; NULL and *from NULL: there are none. */
static FILE *
open_logins(const struct settings *s, const char **from)
{
	char *text = secure_getenv(VARIABLE);

	*from = s->proxy_auth_file ? FILE_OPTION : text && *text ? VARIABLE :
	    NULL;
	if (!*from)
		return NULL;
	return s->proxy_auth_file ? fopen(s->proxy_auth_file, "re") :
	    fmemopen(text, strlen(text), "r");
}

int
proxy_options(const struct settings *s, const struct endpoint *server,
    struct proxy_chain *out)
{
	const char *from;
	FILE *in;
	int result;

	out->count = 0;
	if (!s->proxies.count)
		return 0;
	if (take_urls(s, out) < 0 || proxy_chain_check(out, server) < 0)
		return -1;
	in = open_logins(s, &from);
	if (!in)
		return from ? logins_unreadable(s, from) : 0;
	result = take_logins(in, s, from, out);
	fclose(in);
	return result;
}
