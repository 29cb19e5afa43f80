#include "cmd/echo_report.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/emit.h"

/* Seconds of this process, or of its children that have ended. */
static double
cpu_seconds(int whose)
{
	struct rusage u;

	getrusage(whose, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
worker_row_fill(struct echo_server *v, int i, struct worker_row *row,
    char *name)
{
	const struct slot *slot = membership_slot(&v->membership);
	int found;

	*row = (struct worker_row){ .name = name, .worker = i, .pid = -1 };
	snprintf(name, REGISTRY_NAME, "%s", v->membership.name);
	if (v->by_workers) {
		echo_worker_name(v, i, name);
		row->cpu = v->workers.list[i].cpu;
		row->restarts = v->workers.list[i].restarts;
		found = registry_find(v->membership.registry, name,
		    slot->process);
		if (found < 0)
			return;
		slot = registry_slot(v->membership.registry, found);
	} else {
		row->cpu = cpu_seconds(RUSAGE_SELF) +
		    cpu_seconds(RUSAGE_CHILDREN);
	}
	row->pid = slot_pid(slot);
	row->accepted = slot->counters.accepted;
	row->denied = slot->counters.denied;
	row->in = slot->counters.in;
	row->out = slot->counters.out;
}

void
echo_report(struct echo_server *v)
{
	struct worker_row rows[WORKERS_MAX];
	char names[WORKERS_MAX][REGISTRY_NAME];
	struct event e = {
		.kind = EVENT_REPORT, .command = "echo",
		.name = v->membership.name, .rows = rows,
		.row_count = (size_t)v->count,
		.protocol = v->settings->udp ? "datagram" : "connection",
		.seconds = (double)(loop_now() - v->started) / 1e6,
	};

	for (int i = 0; i < v->count; i++) {
		worker_row_fill(v, i, &rows[i], names[i]);
		e.clients += (int64_t)rows[i].accepted;
		e.in += rows[i].in;
		e.out += rows[i].out;
		e.denied += rows[i].denied;
	}
	for (int i = 0; i < v->count; i++)
		rows[i].share = e.clients ? (double)rows[i].accepted /
		    (double)e.clients : 0;
	emit_event(&v->app, &e);
}
