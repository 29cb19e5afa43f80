/*
 * Checks a server's options against each other, the endpoint and the registry.
 * All checks run before the server joins a group, and none changes anything.
 */
#include "base/fail.h"
#include "serve/adoption.h"
#include "serve/membership.h"
#include "group/replace.h"

int
membership_check(const struct settings *s, const struct endpoint *e)
{
	if (s->reuseport && e->datagram && !e->port && !s->adopt)
		return fail_as(STATUS_USAGE, "-u -r with port 0: Linux may "
		    "give two such sockets the same port; name one");
	return 0;
}

int
membership_check_member(const struct settings *s, const struct endpoint *e)
{
	struct steering steering;

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
	if (s->steer && mode_parse(s->steer, &steering) < 0)
		return -1;
	if (s->steer && s->weight >= 0 && steering.mode != STEER_WEIGHTS)
		return fail_as(STATUS_USAGE, "--weight counts with --steer "
		    "weights only");
	return 0;
}

int
membership_check_registry(const struct settings *s, uint16_t port)
{
	int workers = settings_workers(s), slots = workers;
	struct registry *r;
	bool taken;
	int room;

	if (!s->reuseport || !port)
		return 0;
	r = registry_look(s->udp, port);
	if (!r)
		return 0;
	taken = s->name && registry_has_name(r, s->name);
	room = registry_room(r);
	slots += workers > 1;	/* the parent has a slot, too */
	registry_close(r);
	if (taken)
		return fail_as(STATUS_USAGE, "--name %s: a live member has "
		    "this name", s->name);
	return room >= slots ? 0 : fail_as(STATUS_NETWORK, "port %u has room "
	    "for %d more members of rpnc, and this would be %d", port, room,
	    slots);
}

int
membership_check_replace(const struct settings *s, const struct endpoint *e)
{
	struct registry *r = registry_look(s->udp, e->port);
	int slot;

	if (!r)
		return fail_as(STATUS_USAGE, "--replace %.24s: no rpnc of "
		    "yours is on this port", s->replace);
	slot = replace_find(r, s->replace);
	registry_close(r);
	return slot < 0 ? -1 : 0;
}
