#include "report/view.h"

size_t
view_first(struct view *v, size_t count, size_t shown)
{
	v->last = count > shown ? count - shown : 0;
	if (v->first > v->last)
		v->first = v->last;
	v->page = shown;
	return v->first;
}

const char *
view_order_name(enum view_order order)
{
	static const char *const names[ORDERS] = {
		[ORDER_NAME] = "name", [ORDER_COUNT] = "count",
		[ORDER_QUEUE] = "queue", [ORDER_RATE] = "rate",
	};

	return names[order];
}
