#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include <stdbool.h>
#include <stddef.h>

/* The user's choice of what a live screen shows. */

enum view_order {
	ORDER_NAME, ORDER_COUNT, ORDER_QUEUE, ORDER_RATE, ORDERS,
};

struct view {
	enum view_order order;		/* of the members; but for names the
					 * largest is first */
	size_t first;			/* members before the first shown one */
	size_t page;			/* members shown at the last draw */
	size_t last;			/* the most that first could be then */
	bool ordered;			/* the screen has an order to choose */
	const char *hint;		/* the keys that scroll; NULL: none */
	int strips_to;			/* with strips at most so many lines;
					 * 0: all that there are */
};

/*
 * Where to begin, so that `shown` of count rows are on the screen; remembers
 * both in the view.
 */
size_t view_first(struct view *, size_t count, size_t shown);

const char *view_order_name(enum view_order);

#endif
