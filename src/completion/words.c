#include "completion/words.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/num.h"
#include "base/pid_set.h"
#include "group/registry/registry.h"
#include "group/registry/registry_file.h"
#include "kernel/sock_diag.h"
#include "kernel/sock_owner.h"
#include "net/addr.h"
#include "net/congestion.h"

enum { PORTS = 65536, HOLDERS = 64 };

/* Which sockets a command line means. */
struct asked {
	FILE *out;
	bool datagram;
	int64_t port;			/* -1: none is given */
};

static bool
word_is_safe(const char *word)
{
	return *word && word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:%@+/-")] == '\0';
}

static void __attribute__((format(printf, 3, 4)))
put_word(FILE *out, const char *word, const char *format, ...)
{
	char text[160], shown[sizeof(text) * ESCAPE_MAX + 1];
	va_list list;

	if (!word_is_safe(word))
		return;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	escape(text, strlen(text), false, shown);
	fprintf(out, "%s\t%s\n", word, shown);
}

static void
put_number_word(FILE *out, long long number, const char *what)
{
	char word[32];

	snprintf(word, sizeof(word), "%lld", number);
	put_word(out, word, "%s", what);
}

static void
addresses_write(const struct asked *a)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		char host[ADDR_TEXT];
		struct addr address = { .len = 0 };

		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			address.len = sizeof(struct sockaddr_in);
		else if (i->ifa_addr->sa_family == AF_INET6)
			address.len = sizeof(struct sockaddr_in6);
		else
			continue;
		memcpy(&address.sa, i->ifa_addr, address.len);
		put_word(a->out, addr_host(&address, host), "%s", i->ifa_name);
	}
	freeifaddrs(list);
}

static void
interfaces_write(const struct asked *a)
{
	struct if_nameindex *all = if_nameindex();

	for (const struct if_nameindex *i = all; i && i->if_name; i++)
		put_word(a->out, i->if_name, "interface %u", i->if_index);
	if (all)
		if_freenameindex(all);
}

static void
congestion_write(const struct asked *a)
{
	char text[CONGESTION_TEXT], *rest;

	congestion_available(text);
	for (char *word = strtok_r(text, " ", &rest); word;
	    word = strtok_r(NULL, " ", &rest))
		put_word(a->out, word, "congestion control");
}

static int
count_port(const struct diag_sock *s, void *arg)
{
	unsigned *counts = arg;

	counts[addr_port(&s->local)]++;
	return 0;
}

/* Calls each() for the sockets to which clients come. */
static void
listening_each(const struct asked *a,
    int (*each)(const struct diag_sock *, void *), void *arg)
{
	struct sock_diag *d = sock_diag_open();

	if (!d)
		return;
	sock_diag_dump(d, a->datagram ? IPPROTO_UDP : IPPROTO_TCP,
	    1U << (a->datagram ? TCP_CLOSE : TCP_LISTEN),
	    a->port > 0 ? (uint16_t)a->port : 0, each, arg);
	sock_diag_close(d);
}

static void
ports_write(const struct asked *a)
{
	unsigned *counts = calloc(PORTS, sizeof(*counts));
	struct asked any = *a;
	char what[32];

	any.port = -1;
	if (counts)
		listening_each(&any, count_port, counts);
	for (int port = 1; port < PORTS && counts; port++) {
		if (!counts[port])
			continue;
		snprintf(what, sizeof(what), "%u socket%s", counts[port],
		    plural(counts[port]));
		put_number_word(a->out, port, what);
	}
	free(counts);
}

struct processes {
	FILE *out;
	struct owners *owners;
	struct pid_set written;
};

static void
process_write(struct processes *p, pid_t pid, unsigned port)
{
	char command[17], what[64];

	if (!pid_set_add(&p->written, pid))
		return;
	owner_command(pid, command);
	snprintf(what, sizeof(what), "%s, port %u", command, port);
	put_number_word(p->out, pid, what);
}

static int
holders_write(const struct diag_sock *s, void *arg)
{
	struct processes *p = arg;
	pid_t pids[HOLDERS];
	int count = owners_holders(p->owners, s->inode, pids, HOLDERS);

	for (int i = 0; i < count && i < HOLDERS; i++)
		process_write(p, pids[i], addr_port(&s->local));
	return 0;
}

static void
pids_write(const struct asked *a)
{
	struct processes p = { .out = a->out, .owners = owners_new() };

	if (p.owners)
		listening_each(a, holders_write, &p);
	owners_free(p.owners);
	pid_set_free(&p.written);
}

static void
members_of_port_write(const struct asked *a, uint16_t port)
{
	struct registry *r = registry_open_existing(a->datagram, port);
	char name[REGISTRY_NAME], what[64];

	for (int i = 0; i < REGISTRY_SLOTS && r; i++) {
		const struct slot *s = registry_slot(r, i);
		int pid = slot_pid(s);

		if (!registry_alive(r, i) || (s->kind != SLOT_MEMBER &&
		    s->kind != SLOT_PARENT))
			continue;
		slot_name(s, name);
		put_word(a->out, name, "port %u, pid %d", port, pid);
		snprintf(what, sizeof(what), "%s, port %u", name, port);
		if (pid > 0)
			put_number_word(a->out, pid, what);
	}
	if (r)
		registry_close(r);
}

/* The members of the given port; if it has none, or none is given, of all. */
static void
members_write(const struct asked *a)
{
	bool *found = calloc(PORTS, sizeof(*found));
	bool has_given;

	if (!found)
		return;
	registry_file_ports(a->datagram, found);
	has_given = a->port > 0 && found[a->port];
	for (int port = 1; port < PORTS; port++)
		if (found[port] && (!has_given || port == a->port))
			members_of_port_write(a, (uint16_t)port);
	free(found);
}

static const struct {
	const char *name;
	void (*write)(const struct asked *);	/* NULL: the shell knows */
} kinds[WORDS_KINDS] = {
	[WORDS_NONE] = { "-", NULL },
	[WORDS_NOTHING] = { "nothing", NULL },
	[WORDS_FILE] = { "files", NULL },
	[WORDS_HOST] = { "hosts", NULL },
	[WORDS_USER] = { "users", NULL },
	[WORDS_ADDRESS] = { "addresses", addresses_write },
	[WORDS_PORT] = { "ports", ports_write },
	[WORDS_PID] = { "pids", pids_write },
	[WORDS_MEMBER] = { "members", members_write },
	[WORDS_INTERFACE] = { "interfaces", interfaces_write },
	[WORDS_CONGESTION] = { "congestion", congestion_write },
};

const char *
words_kind_name(enum opt_words kind)
{
	return kinds[kind].name;
}

/* The value of an option may look like a port: the last such word counts. */
static void
asked_read(struct asked *a, const char *word)
{
	const char *colon = strrchr(word, ':');
	int64_t port;

	if (strcmp(word, "--udp") == 0 || (word[0] == '-' && word[1] != '-' &&
	    strchr(word, 'u')))
		a->datagram = true;
	else if (num_parse(colon ? colon + 1 : word, 1, PORTS - 1, &port) == 0)
		a->port = port;
}

int
words_write(FILE *out, const char *kind, int count, char *const *words)
{
	struct asked a = { .out = out, .port = -1 };

	for (int i = 0; i < count; i++)
		asked_read(&a, words[i]);
	for (int i = 0; i < WORDS_KINDS; i++)
		if (kinds[i].write && strcmp(kinds[i].name, kind) == 0) {
			kinds[i].write(&a);
			return 0;
		}
	return -1;
}
