#include "cmd/server_check.h"

#include <string.h>

#include "base/fail.h"
#include "cmd/sockopt_options.h"
#include "cmd/tls_options.h"
#include "group/steer/reconcile.h"

int
server_take_sockets(struct settings *s, struct activation *out)
{
	if (activation_take(out) < 0)
		return -1;
	for (int i = 0; i < s->listen_fds.count; i++)
		if (activation_take_number(out, s->listen_fds.at[i]) < 0)
			return fail_option("--listen-fd");
	return activation_sort(out, s);
}

int
server_check(const struct settings *s, const struct endpoint *e)
{
	if (s->reuseport && e->datagram && !e->port && !s->adopt &&
	    !s->inherits)
		return fail_as(STATUS_USAGE, "-u -r with port 0: Linux may "
		    "give two such sockets the same port; name one");
	if (s->allow_user.count && !e->local && !s->adopt && !s->inherits)
		return fail_as(STATUS_USAGE, "--allow-user is for Unix sockets: "
		    "the kernel knows no user of an IP client; --allow has "
		    "addresses");
	if (s->max_per_source && e->local && e->datagram)
		return fail_as(STATUS_USAGE, "--max-per-source: the kernel "
		    "does not vouch for the sender of a Unix datagram");
	return 0;
}

int
server_check_group(const struct settings *s, const struct endpoint *e)
{
	struct steering steering;

	if (sockopt_options_check(s, e, s->reuseport ? SOCKOPT_MEMBER :
	    SOCKOPT_SERVER) < 0)
		return -1;
	if (s->inherits && (s->mptcp || s->seqpacket || s->interface))
		return fail_as(STATUS_USAGE, "the service manager's sockets "
		    "are taken as they are: leave out %s", s->mptcp ?
		    "--mptcp" : s->seqpacket ? "--seqpacket" : "--interface");
	if (s->inherits && s->reuseport && s->udp)
		return fail_as(STATUS_USAGE, "-u -r: a member's datagram socket "
		    "gets a filter, which the service manager's would keep: "
		    "leave out -r");
	if (s->adopt && s->reuseport && s->udp)
		return fail_as(STATUS_USAGE, "-u -r --adopt: a member's "
		    "datagram socket gets a filter, which the other process "
		    "would have, too: leave out -r");
	if (!s->reuseport && (s->steer || s->weight >= 0 || s->replace))
		return fail_as(STATUS_USAGE, "--%s: want -r with it: it is "
		    "for a group's member", s->steer ? "steer" :
		    s->replace ? "replace" :
		    "weight");
	if (s->replace && !e->port)
		return fail_as(STATUS_USAGE, "--replace wants the port of the "
		    "member to replace, not 0");
	if (s->steer && strchr(e->host, '='))
		return fail_as(STATUS_USAGE, "--steer: the mode and its "
		    "weights are one word: --steer '%.32s %.64s'", s->steer,
		    e->host);
	if (s->steer && (mode_parse(s->steer, &steering) < 0 ||
	    mode_suits(&steering, s->udp) < 0))
		return -1;
	if (s->steer && s->weight >= 0 && steering.mode != STEER_WEIGHTS)
		return fail_as(STATUS_USAGE, "--weight counts with --steer "
		    "weights only");
	return 0;
}

/* Reads the lists of those who may come. */
static int
server_read_access(const struct settings *s, struct admission *out)
{
	for (int i = 0; i < s->allow.count; i++)
		if (access_add(&out->access, s->allow.at[i], true) < 0)
			return fail_option("--allow");
	for (int i = 0; i < s->deny.count; i++)
		if (access_add(&out->access, s->deny.at[i], false) < 0)
			return fail_option("--deny");
	for (int i = 0; i < s->allow_user.count; i++)
		if (admission_add_users(out, s->allow_user.at[i]) < 0)
			return fail_option("--allow-user");
	out->per_source = (unsigned)s->max_per_source;
	return access_settle(&out->access) < 0 ?
	    fail_option("--allow, --deny:") : 0;
}

int
server_check_setup(const struct settings *s, struct accept_setup *out,
    struct tls_context *tls)
{
	if (accept_proxy_read(&out->proxy, s->accept_proxy) < 0)
		return fail_option("--accept-proxy");
	if (tls_options_server(s, tls) < 0)
		return -1;
	out->tls.context = tls;
	if (server_read_access(s, &out->admission) < 0)
		return -1;
	return s->accept_proxy || s->tls || admission_is_on(&out->admission) ?
	    accept_setup_share(out) : 0;
}
