/*
 * Histograms as text, HistF and rpnc 0.1's, and base64. The same bytes are also
 * tried as what a HistF holds, which is compressed.
 */
#include <arpa/inet.h>
#include <zlib.h>

#include "base/base64.h"
#include "fuzz.h"
#include "math/hist_hdr.h"

static void
check_base64(const char *text, size_t length)
{
	char *bytes = malloc(length / 4 * 3 + 1), *again;
	ssize_t n;

	HOLDS(bytes);
	n = base64_decode(text, length, bytes);
	again = malloc(BASE64_TEXT(length));
	HOLDS(again);
	if (n >= 0) {
		HOLDS(base64(bytes, (size_t)n, again) == length);
		HOLDS(memcmp(again, text, length) == 0);
	}
	free(again);
	free(bytes);
}

static void
check_hist(const struct hist *h)
{
	static struct hist again;
	char *text;

	HOLDS(hist_percentile(h, 50) <= hist_percentile(h, 99.9));
	HOLDS(hist_percentile(h, 100) <= HIST_MAX);
	hist_quantile(h, 99);
	hist_mean(h);
	HOLDS(hist_hdr_encode(h, &text) == 0);
	HOLDS(hist_hdr_decode(text, &again) == 0);
	HOLDS(memcmp(h->buckets, again.buckets, sizeof(again.buckets)) == 0);
	hist_merge(&again, h);
	hist_refine(&again, h->min, h->max, h->sum);
	free(text);
}

static void
check_inside(const uint8_t *data, size_t length)
{
	static struct hist h;
	uLongf n = compressBound(length);
	uint32_t head[] = { htonl(0x1c849314), 0 };
	uint8_t *raw = malloc(sizeof(head) + n);
	char *text = malloc(BASE64_TEXT(sizeof(head) + n));

	HOLDS(raw && text);
	HOLDS(compress2(raw + sizeof(head), &n, data, length, 1) == Z_OK);
	head[1] = htonl((uint32_t)n);
	memcpy(raw, head, sizeof(head));
	base64(raw, sizeof(head) + n, text);
	HOLDS(hist_hdr_is(text));
	if (hist_hdr_decode(text, &h) == 0)
		check_hist(&h);
	free(text);
	free(raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct hist h;
	char *text = fuzz_text(data, length);

	check_base64(text, length);
	check_inside(data, length);
	if (hist_hdr_is(text) && hist_hdr_decode(text, &h) == 0)
		check_hist(&h);
	if (hist_decode(text, &h) == 0)
		check_hist(&h);
	free(text);
	return 0;
}
