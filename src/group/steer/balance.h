#ifndef GROUP_STEER_BALANCE_H
#define GROUP_STEER_BALANCE_H

#include "base/loop.h"
#include "group/steer/reconcile.h"

/*
 * Keeps the programs of this process's groups right: reconcile_apply() when the
 * caller says so, and with STEER_LEAST also when it has more or fewer
 * connections. balance.c says when.
 */
struct balance {
	struct reconcile reconcile;
	const struct sock_set *set;	/* the sockets of this process */
	const struct counters *own;	/* its connections */
	/* Of a look that no balance_apply() asked for: see fail_text(). */
	void (*on_fault)(struct balance *);
	/* Private. */
	struct loop *loop;
	struct turn turn;
	struct timer timer;
	uint64_t open;			/* when it looked last */
	uint32_t looks;			/* spent: least.h */
};

/* The fields above "Private" are set. */
void balance_start(struct balance *, struct loop *);
/* Like reconcile_apply(). */
int balance_apply(struct balance *);
void balance_stop(struct balance *);

#endif
