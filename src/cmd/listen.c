/* rpnc listen: wait for clients and talk to them. */
#include <unistd.h>

#include "app/emit.h"
#include "base/fail.h"
#include "base/standard_fds.h"
#include "cmd/check.h"
#include "cmd/command.h"
#include "cmd/listen_program.h"
#include "cmd/listen_prompt.h"
#include "cmd/multicast_options.h"
#include "cmd/server_check.h"

static int
listen_run(struct listen_server *v)
{
	raise_descriptor_limit();
	if (listen_watch(v) < 0)
		return -1;
	listen_refresh(v);
	if (netcat_wants_prompt(v->settings) && listen_prompt(v) < 0)
		return -1;
	return listen_serve(v);
}

static int
listen_command_run(struct settings *s, int words_count, char *const *words,
    int *ended_by)
{
	/* 128 KiB: a stack that can't grow would be a fault without a word */
	static struct listen_server v;
	struct endpoint e;
	int status;

	if (listen_program_take(s, &words_count, words) < 0)
		return -1;
	listen_init(&v, s);
	if (server_take_sockets(s, &v.activation) < 0)
		return -1;
	/* a background job has /dev/null: that must not count as an end */
	if (standard_fds_was_closed(STDIN_FILENO) ||
	    input_is_null(STDIN_FILENO))
		s->no_stdin = true;
	if (settings_endpoint(s, words_count, words, &e) < 0 ||
	    multicast_options(s, &e) < 0 ||
	    server_check(s, &e) < 0 || server_check_group(s, &e) < 0 ||
	    netcat_check(&v.netcat, s) < 0 || listen_prompt_check(s) < 0 ||
	    server_check_setup(s, &v.setup, &v.tls) < 0)
		return -1;
	if (s->check)
		return check_server(s, &e, &v.activation);
	v.membership.activation = &v.activation;
	v.membership.access = access_hash(&v.setup.admission.access);
	s->keep = s->keep || (!s->once && (s->reuseport || s->adopt ||
	    (s->inherits && v.activation.connected < 0) ||
	    (s->udp && netcat_wants_prompt(s))));
	s->linger = -1;
	if (membership_open(&v.membership, s, &e, SLOT_MEMBER) < 0)
		return -1;
	if (netcat_open(&v.netcat, s) < 0) {
		membership_close(&v.membership);
		return -1;
	}
	if ((s->program && listen_program_init(&v) < 0) || listen_run(&v) < 0)
		app_fault(&v.netcat.app);
	live_screen_close(&v.header.screen);
	accept_setup_cut(&v.setup, REASON_CUT);
	relay_close_all(&v.netcat.relay, REASON_CUT);
	membership_emit_holder(&v.netcat.app, &v.listening);
	listen_program_end(&v);
	listen_prompt_end(&v);
	if (s->udp)
		udp_peers_close(&v.peers);
	else
		acceptor_close(&v.acceptor);
	emit_lost(&v.netcat.app, v.peers.lost);
	emit_denied(&v.netcat.app,
	    membership_slot(&v.membership)->counters.denied);
	accept_setup_free(&v.setup);
	tls_context_close(&v.tls);
	membership_close(&v.membership);
	status = netcat_close(&v.netcat);
	*ended_by = v.netcat.app.ended_by;
	return status;
}

static unsigned
listen_mode(const struct settings *s, int count, char *const *words,
    const char **what)
{
	(void)words;
	*what = "-- COMMAND";
	return listen_program_words(s, count) ? LISTEN_PROGRAM : 0;
}

const struct command listen_command = {
	.name = "listen",
	.synopsis = "listen [-r] [options] [host] port [-- COMMAND]",
	.summary = "wait for clients and talk to them",
	.mode = listen_mode,
	.tables = { clients_options, data_options, server_options,
	    access_options, group_options, tls_listen_options,
	    address_options, output_options, NULL },
	.host = WORDS_ADDRESS,
	.program = true,
	.run = listen_command_run,
};
