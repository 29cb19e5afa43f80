#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include "app/settings.h"

/* The options, in tables that each begin with a heading of --help. */
extern const struct opt address_options[], output_options[],
    clients_options[], data_options[], server_options[], access_options[],
    group_options[], connecting_options[], echo_options[], probe_options[],
    tls_connect_options[], tls_listen_options[], tls_probe_options[];
extern const struct opt_hint hints[];

#endif
