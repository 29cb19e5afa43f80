#include "group/registry/spare_request.h"

#include <string.h>

int
request_claim(struct registry *r)
{
	return registry_claim(r, SLOT_REQUEST, NULL, 0);
}

int
request_set(struct registry *r, int slot, pid_t target, const uint64_t *inodes,
    int count)
{
	struct slot *s = registry_slot(r, slot);

	if (registry_change_begin(r) < 0)
		return -1;
	memset(s->inodes, 0, sizeof(s->inodes));
	for (int i = 0; i < count; i++)
		s->inodes[i] = inodes[i];
	s->raw_target = target;
	registry_change_end(r);
	return 0;
}

bool
request_is_here(struct registry *r, int slot)
{
	const struct slot *s = registry_slot(r, slot);

	return s->kind == SLOT_REQUEST && s->raw_target &&
	    s->state != STATE_LEFT && registry_alive(r, slot);
}

bool
request_any(struct registry *r)
{
	for (int i = 0; i < REGISTRY_SLOTS; i++)
		if (request_is_here(r, i))
			return true;
	return false;
}

bool
request_covers(const struct slot *all, const struct slot *s)
{
	if (all->kind != SLOT_REQUEST || all->raw_target != s->raw_target ||
	    all->pid_namespace != s->pid_namespace)
		return false;
	for (int i = 0; i < REGISTRY_SOCKETS; i++)
		if (s->inodes[i] && slot_socket(all, s->inodes[i]) < 0)
			return false;
	return true;
}

const struct slot *
request_of(struct registry *r, uint64_t inode)
{
	for (int i = 0; i < REGISTRY_SLOTS && inode; i++) {
		const struct slot *s = registry_slot(r, i);

		if (s->kind == SLOT_REQUEST && slot_socket(s, inode) >= 0 &&
		    request_is_here(r, i))
			return s;
	}
	return NULL;
}
