/* Checks what is asked against the registry, and changes nothing. */
#include "base/fail.h"
#include "serve/adoption.h"
#include "serve/membership.h"
#include "group/replace.h"

int
membership_check_registry(const struct settings *s, uint16_t port)
{
	int workers = settings_workers(s), slots = workers;
	struct registry *r;
	bool taken;
	int room;

	if (!s->reuseport || !port)
		return 0;
	r = registry_open_existing(s->udp, port);
	if (!r)
		return 0;
	taken = s->name && registry_has_name(r, s->name) &&
	    !(s->replace && replace_is_name(r, s->replace, s->name));
	room = registry_room(r);
	slots += workers > 1;	/* the parent has a slot, too */
	registry_close(r);
	if (taken)
		return fail_as(STATUS_USAGE, "name %s: a live member has this "
		    "name", s->name);
	return room >= slots ? 0 : fail_as(STATUS_NETWORK, "port %u has room "
	    "for %d more members of rpnc, and this would be %d", port, room,
	    slots);
}

int
membership_check_replace(const struct settings *s, const struct endpoint *e)
{
	struct registry *r = registry_open_existing(s->udp, e->port);
	int slot;

	if (!r)
		return fail_as(STATUS_USAGE, "%.24s can't be replaced: no rpnc "
		    "of yours is on this %s port", s->replace,
		    s->udp ? "UDP" : "TCP");
	slot = replace_find(r, s->replace);
	registry_close(r);
	return slot < 0 ? -1 : 0;
}
