#include "cmd/check.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/emit.h"
#include "group/diagnose/overlap.h"
#include "group/diagnose/port_sockets.h"
#include "net/resolve.h"
#include "serve/membership.h"
#include "serve/program_check.h"

/* The processes whose sockets would be in one group with ours. */
struct joined {
	size_t count;
	struct check_row *rows;
	char (*commands)[sizeof(((struct owner *)0)->command)];
	char (*names)[REGISTRY_NAME];
};

static struct check_row *
joined_row(const struct joined *j, int64_t pid, const char *name)
{
	for (size_t i = 0; i < j->count; i++)
		if (pid >= 0 ? j->rows[i].who.pid == pid : name &&
		    j->rows[i].who.name && strcmp(j->rows[i].who.name,
		    name) == 0)
			return &j->rows[i];
	return NULL;
}

static void
joined_add(struct joined *j, struct port_sockets *p, const struct diag_sock *s)
{
	const struct slot *slot = port_socket_slot(p, s);
	char name[REGISTRY_NAME];
	struct owner o = { .pid = -1 };
	struct check_row *row;

	if (slot && slot_pid(slot))
		o.pid = slot_pid(slot);
	else if (port_socket_owner(p, s, &o) <= 0)
		o.pid = -1;
	row = joined_row(j, o.pid, slot ? slot_name(slot, name) : NULL);
	if (!row) {
		row = &j->rows[j->count];
		*row = (struct check_row){
			.who = { .pid = o.pid, .worker = -1, .uid = -1 },
		};
		memcpy(j->commands[j->count], slot ? "rpnc" : o.command,
		    slot ? sizeof("rpnc") : sizeof(o.command));
		row->who.name = slot ? slot_name(slot, j->names[j->count]) :
		    NULL;
		row->who.command = o.pid < 0 && !slot ? NULL :
		    j->commands[j->count];
		j->count++;
	}
	row->sockets++;
}

static int
joined_fill(struct joined *j, struct port_sockets *p,
    const struct diag_sock *like)
{
	j->count = 0;
	j->rows = calloc((size_t)p->count + 1, sizeof(*j->rows));
	j->commands = calloc((size_t)p->count + 1, sizeof(*j->commands));
	j->names = calloc((size_t)p->count + 1, sizeof(*j->names));
	if (!j->rows || !j->commands || !j->names)
		return fail("members");
	for (int i = 0; i < p->count; i++)
		if (in_one_group(&p->list[i], like))
			joined_add(j, p, &p->list[i]);
	return 0;
}

static void
check_emit_address(struct app *app, const struct settings *s,
    const struct addr *a)
{
	struct diag_sock like = port_socket_like(a, s->udp, s->interface);
	struct joined j = { 0 };
	struct event e = {
		.kind = EVENT_CHECK,
		.command = "check",
		.address = a,
		.protocol = membership_protocol(s, a),
		.reuseport = s->reuseport,
	};
	struct port_sockets p = { 0 };

	if (s->reuseport && addr_port(a) && port_sockets_open(&p, s->udp,
	    addr_port(a), 1u << (s->udp ? TCP_CLOSE : TCP_LISTEN)) == 0 &&
	    joined_fill(&j, &p, &like) == 0) {
		e.joined = j.rows;
		e.joined_count = j.count;
	}
	emit_event(app, &e);
	free(j.rows);
	free(j.commands);
	free(j.names);
	port_sockets_close(&p);
}

static int
check_emit(const struct settings *s, struct sock_set *set)
{
	struct sock_options o = membership_options(s);
	struct overlaps all;
	struct app a;

	if (app_open(&a, s) < 0)
		return -1;
	if (set->no_ipv6)
		emit_notice(&a, "no IPv6 here: IPv4 only");
	for (int i = 0; i < set->count; i++)
		check_emit_address(&a, s, &set->bound[i]);
	overlaps_find(set, &o, 0, &all);
	for (int i = 0; i < all.count; i++)
		emit_notice(&a, all.text[i]);
	return app_close(&a);
}

/*
 * The kernel lets only sockets of one user share a port, and systemd makes all
 * of them as root, whatever user the service has.
 */
static void
check_emit_trap(struct app *a, const struct sock_set *set)
{
	char text[256], where[ADDR_TEXT];
	struct stat st;

	if (fstat(set->fd[0], &st) < 0 || st.st_uid == geteuid())
		return;
	snprintf(text, sizeof(text), "%s belongs to user %u, who made it for "
	    "ReusePort=: a member that binds by itself as user %u can't join "
	    "it; only further sockets of the service manager can",
	    addr_text(&set->bound[0], where), st.st_uid, geteuid());
	emit_notice(a, text);
}

static int
check_inherited(const struct settings *s, const struct endpoint *e,
    struct activation *activation)
{
	struct sock_set set;
	struct app a;

	if (activation_open(activation, &set, s, e) < 0 || app_open(&a, s) < 0)
		return -1;
	for (int i = 0; i < set.count; i++)
		check_emit_address(&a, s, &set.bound[i]);
	if (s->reuseport)
		check_emit_trap(&a, &set);
	return app_close(&a);
}

int
check_server(const struct settings *s, const struct endpoint *e,
    struct activation *activation)
{
	struct sock_options o = membership_options(s);
	struct addr_list list;
	struct sock_set set = { 0 };
	int bound;

	if (s->inherits)
		return check_inherited(s, e, activation);
	o.dry = true;
	bound = resolve_passive(e, &list);
	if (bound > 0)
		bound = program_check(s, list.at, list.count);
	if (bound == 0)
		bound = membership_listen(&set, &list, &o);
	addr_list_free(&list);
	if (bound < 0)
		return -1;
	bound = set.count;
	sock_set_close(&set);
	set.count = bound;
	/* port 0: a later start gets another free port */
	for (int i = 0; i < bound && !e->port; i++)
		addr_set_port(&set.bound[i], 0);
	if (membership_check_registry(s, e->port) < 0 ||
	    (s->replace && membership_check_replace(s, e) < 0))
		return -1;
	return check_emit(s, &set);
}
