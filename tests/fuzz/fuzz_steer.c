/* Modes of steering, weights and their programs; other lists of members. */
#include <sys/socket.h>

#include "fuzz.h"
#include "group/steer/least.h"
#include "group/steer/mode.h"
#include "probe/inspect/gate.h"
#include "probe/load/expected_shares.h"
#include "probe/stats/whatif.h"

static int
group_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	HOLDS(fd >= 0);
	HOLDS(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) == 0);
	HOLDS(listen(fd, 1) == 0);
	return fd;
}

/* The kernel's verifier must take every program that we make. */
static void
attach(const struct steering *s)
{
	static int fd = -1;
	uint32_t weight[SHARED_WEIGHTS];

	if (fd < 0)
		fd = group_socket();
	for (uint32_t i = 0; i < s->count; i++)
		weight[i] = s->weights[i].weight;
	HOLDS(bpf_attach(fd, false, mode_of(s), mode_offset(s), weight,
	    (int)s->count) == 0);
}

static void
check(const struct steering *s)
{
	struct steering again;
	char one[MODE_TEXT], two[MODE_TEXT];

	HOLDS(strlen(mode_text(s, one)) < MODE_TEXT);
	HOLDS(mode_parse(one, &again) == 0);
	HOLDS(strcmp(one, mode_text(&again, two)) == 0);
	mode_suits(s, true);
	mode_older(s);
	if (s->count)
		attach(s);
}

static void
choose(const uint8_t *data, size_t length)
{
	uint64_t open[16];
	uint32_t queued[16], weight[16], share[16], any = 0;
	int n = length / 3 < 16 ? (int)(length / 3) : 16;

	for (int i = 0; i < n; i++) {
		open[i] = data[3 * i] == 255 ? LEAST_UNKNOWN : data[3 * i];
		queued[i] = data[3 * i + 1];
		any |= weight[i] = data[3 * i + 2];
	}
	HOLDS(!any == !least_choose(open, queued, weight, share, n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	char *text = fuzz_text(data, length);
	struct steering s;

	if (mode_parse(text, &s) == 0)
		check(&s);
	expected_shares_read(text, &s);
	whatif_check(text);
	gate_flags(text, GATE_OF_GROUP);
	name_valid(text);
	choose(data, length);
	free(text);
	return 0;
}
