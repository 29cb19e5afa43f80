#include "group/registry/request.h"

#include <string.h>

int
guest_claim(struct board *b)
{
	return board_claim(b, SLOT_GUEST, NULL, 0);
}

int
guest_wish(struct board *b, int slot, pid_t target, const uint64_t *inodes,
    int count)
{
	struct slot *s = board_slot(b, slot);

	if (board_change_begin(b) < 0)
		return -1;
	memset(s->inodes, 0, sizeof(s->inodes));
	for (int i = 0; i < count; i++)
		s->inodes[i] = inodes[i];
	s->raw_target = target;
	board_change_end(b);
	return 0;
}

bool
guest_is_here(struct board *b, int slot)
{
	const struct slot *s = board_slot(b, slot);

	return s->kind == SLOT_GUEST && s->raw_target && s->state != STATE_LEFT &&
	    board_alive(b, slot);
}

bool
guest_any(struct board *b)
{
	for (int i = 0; i < BOARD_SLOTS; i++)
		if (guest_is_here(b, i))
			return true;
	return false;
}

bool
guest_wants(const struct slot *s, uint64_t inode)
{
	for (int i = 0; i < BOARD_SOCKETS; i++)
		if (s->inodes[i] == inode)
			return true;
	return false;
}

bool
guest_covers(const struct slot *all, const struct slot *s)
{
	if (all->kind != SLOT_GUEST || all->raw_target != s->raw_target ||
	    all->pid_namespace != s->pid_namespace)
		return false;
	for (int i = 0; i < BOARD_SOCKETS; i++)
		if (s->inodes[i] && !guest_wants(all, s->inodes[i]))
			return false;
	return true;
}

const struct slot *
guest_of(struct board *b, uint64_t inode)
{
	for (int i = 0; i < BOARD_SLOTS && inode; i++) {
		const struct slot *s = board_slot(b, i);

		if (s->kind == SLOT_GUEST && guest_wants(s, inode) &&
		    guest_is_here(b, i))
			return s;
	}
	return NULL;
}
