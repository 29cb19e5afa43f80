#ifndef TERMINAL_READLINE_H
#define TERMINAL_READLINE_H

#include <stdio.h>

#include <readline/history.h>
#include <readline/readline.h>

/*
 * readline(3), loaded only when a prompt opens, because with libtinfo it would
 * cost a fifth of every start. rl->point is the address of rl_point,
 * rl->redisplay() calls rl_redisplay(); history's functions keep their names.
 */
#define READLINE_SYMBOLS(X) \
	X(attempted_completion_function) X(attempted_completion_over) \
	X(basic_word_break_characters) X(bind_key) X(bind_keyseq_in_map) \
	X(callback_handler_install) X(callback_handler_remove) \
	X(callback_read_char) X(callback_sigcleanup) X(catch_signals) \
	X(catch_sigwinch) X(change_environment) X(clear_screen) \
	X(clear_visible_line) X(completion_matches) X(crlf) \
	X(deprep_term_function) X(deprep_terminal) X(end) \
	X(forced_update_display) X(get_keymap_by_name) X(get_screen_size) \
	X(initialize) X(library_version) X(line_buffer) X(on_new_line) X(outstream) X(point) \
	X(prep_terminal) X(prompt) X(readline_name) X(redisplay) \
	X(replace_line) X(reset_screen_size) X(resize_terminal) \
	X(set_prompt) X(variable_bind)
#define HISTORY_SYMBOLS(X) \
	X(add_history) X(history_base) X(history_get) X(history_length) \
	X(stifle_history) X(using_history)

struct readline {
#define READLINE_POINTER(name) __typeof__(rl_##name) *(name);
#define HISTORY_POINTER(name) __typeof__(name) *(name);
	READLINE_SYMBOLS(READLINE_POINTER)
	HISTORY_SYMBOLS(HISTORY_POINTER)
};

/* NULL: it can't be loaded. */
const struct readline *readline_load(void);
extern const char readline_library[];	/* the name of its file */

#endif
