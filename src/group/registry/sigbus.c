#include "group/registry/sigbus.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

static struct sigbus_guard *guards;

static struct sigbus_guard *
sigbus_guard_of(const void *at)
{
	for (struct sigbus_guard *g = guards; g; g = g->next)
		if ((uintptr_t)at - (uintptr_t)g->at < g->size)
			return g;
	return NULL;
}

/* A fault elsewhere gets the default action: the store repeats, and dies. */
static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	struct sigbus_guard *g = sigbus_guard_of(info->si_addr);

	(void)context;
	if (g && mmap(g->at, g->size, PROT_READ | PROT_WRITE, MAP_FIXED |
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		g->lost = true;
	else
		signal(number, SIG_DFL);
}

void
sigbus_guard_add(struct sigbus_guard *g)
{
	struct sigaction action = {
		.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO,
	};

	g->lost = false;
	g->next = guards;
	guards = g;
	sigaction(SIGBUS, &action, NULL);
}

void
sigbus_guard_remove(struct sigbus_guard *g)
{
	for (struct sigbus_guard **at = &guards; *at; at = &(*at)->next)
		if (*at == g) {
			*at = g->next;
			return;
		}
}
