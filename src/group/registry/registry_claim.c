/* A process takes a slot, as a member or for a request, and a free name. */
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "group/registry/registry.h"

/* A, B, ..., Z, AA, AB, ... */
static void
letters_of(int n, char name[static REGISTRY_NAME])
{
	if (n < 26)
		snprintf(name, REGISTRY_NAME, "%c", 'A' + n);
	else
		snprintf(name, REGISTRY_NAME, "%c%c", 'A' + (n / 26 - 1) % 26,
		    'A' + n % 26);
}

/* A letter that no slot has; if there is none, the letter of a dead slot. */
static int
pick_letter(struct registry *r, char name[static REGISTRY_NAME])
{
	for (int dead_too = 1; dead_too >= 0; dead_too--)
		for (int n = 0; n < REGISTRY_SLOTS; n++) {
			letters_of(n, name);
			if (!registry_name_taken(r, name, 0, dead_too))
				return 0;
		}
	return fail_as(STATUS_NETWORK, "registry: full");
}

/* A request gets a number, so that members keep the letters. */
static int
pick_number(struct registry *r, char name[static REGISTRY_NAME])
{
	for (int n = 0; n < REGISTRY_SLOTS; n++) {
		snprintf(name, REGISTRY_NAME, "!%d", n);
		if (!registry_name_taken(r, name, 0, false))
			return 0;
	}
	return fail_as(STATUS_NETWORK, "registry: full");
}

static int
pick_name(struct registry *r, enum slot_kind kind, const char *wanted,
    uint64_t parent, char name[static REGISTRY_NAME])
{
	if (kind == SLOT_REQUEST)
		return pick_number(r, name);
	if (!wanted)
		return pick_letter(r, name);
	snprintf(name, REGISTRY_NAME, "%s", wanted);
	return !registry_name_taken(r, name, parent, false) ? 0 :
	    fail_as(STATUS_USAGE, "name %s: a live member has this name",
	    wanted);
}

/*
 * Whether a program may be attached that no living member knows of: one of a
 * dead member's. A slot may have been taken since by a process that is no
 * member, or that died before it had sockets: then it still says repair_due.
 */
static bool
is_legacy(struct registry *r, int i)
{
	static const uint64_t none[REGISTRY_SOCKETS];
	const struct slot *s = registry_slot(r, i);

	return s->kind != SLOT_FREE &&
	    (s->repair_due || memcmp(s->programs, none, sizeof(none)) != 0) &&
	    !(s->kind == SLOT_MEMBER && registry_alive(r, i));
}

/*
 * The first member to ask has to repair that, and only it. Its slot says so
 * before the others stop to say it: it may be killed between two calls.
 */
static void
take_legacy(struct registry *r, int index)
{
	struct slot *own = registry_slot(r, index);

	for (int i = 0; i < REGISTRY_SLOTS; i++) {
		struct slot *s = registry_slot(r, i);

		if (i == index || !is_legacy(r, i))
			continue;
		own->repair_due = true;
		memset(s->programs, 0, sizeof(s->programs));
		s->repair_due = false;
	}
}

int
registry_claim(struct registry *r, enum slot_kind kind, const char *name,
    uint64_t parent)
{
	char chosen[REGISTRY_NAME];
	int index = -1;

	if (registry_change_begin(r) < 0)
		return -1;
	if (pick_name(r, kind, name, parent, chosen) == 0)
		index = registry_fill(r, kind, chosen, parent);
	if (index >= 0 && kind == SLOT_MEMBER)
		take_legacy(r, index);
	registry_change_end(r);
	return index;
}
