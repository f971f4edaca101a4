/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `bgo-lab talk`: both ends of real connections. `serve` answers everything it receives, over TCP
 * and UDP, with its name and whom it sees: "server1 192.0.2.2 40001". `ask` opens connections,
 * says something on each and prints what is answered; held open, it asks again on each for every
 * line of its standard input, and says how many still have the same server.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../src/cleanup.h"
#include "../src/log.h"
#include "lab.h"

#define ANSWER_BYTES 128
#define QUESTION "?\n"
#define EVENTS 256

struct talk {
	const char *name, *to, *from;
	uint16_t port, from_port;
	uint32_t connections;
	int ttl, timeout_s;
	size_t bytes; /* of a question */
	bool udp, no_checksum, hold, quiet;
};

static void raise_file_limit(void)
{
	const struct rlimit many = {1 << 18, 1 << 18};

	setrlimit(RLIMIT_NOFILE, &many);
}

/* -- serve -- */

static int bind_any(int type, uint16_t port)
{
	const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	_cleanup_close_ int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, zero = 0;

	/* So that datagrams are answered from the address they were sent to. */
	if (fd >= 0)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) ||
	    (type == SOCK_STREAM && listen(fd, 4096)))
		return log_error(-errno, "talk: listen on port %u", port);
	return take_fd(fd);
}

static size_t make_answer(const char *name, const struct sockaddr_in6 *peer,
			  char answer[static ANSWER_BYTES])
{
	char text[INET6_ADDRSTRLEN];
	const bool mapped = IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr);

	inet_ntop(mapped ? AF_INET : AF_INET6,
		  mapped ? (const void *)&peer->sin6_addr.s6_addr32[3] : &peer->sin6_addr, text,
		  sizeof(text));
	return (size_t)snprintf(answer, ANSWER_BYTES, "%s %s %u\n", name, text,
				ntohs(peer->sin6_port));
}

static void answer_datagrams(int fd, const char *name)
{
	static char question[65536];
	char answer[ANSWER_BYTES], control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	struct sockaddr_in6 peer = {0};
	struct iovec in = {question, sizeof(question)};

	for (;;) {
		struct msghdr message = {
			.msg_name = &peer,
			.msg_namelen = sizeof(peer),
			.msg_iov = &in,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		struct cmsghdr *info;
		struct iovec out;

		if (recvmsg(fd, &message, 0) < 0)
			return;
		out.iov_base = answer;
		out.iov_len = make_answer(name, &peer, answer);
		message.msg_iov = &out;
		/* The control message goes back as it came, but by whatever interface. */
		info = CMSG_FIRSTHDR(&message);
		if (info)
			((struct in6_pktinfo *)CMSG_DATA(info))->ipi6_ifindex = 0;
		(void)sendmsg(fd, &message, 0);
	}
}

/* One answer for each line. */
static void answer_stream(int fd, const char *name)
{
	char question[65536], answer[ANSWER_BYTES];
	struct sockaddr_in6 peer = {0};
	socklen_t size = sizeof(peer);
	ssize_t length = read(fd, question, sizeof(question));
	size_t bytes;

	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0 || getpeername(fd, (struct sockaddr *)&peer, &size)) {
		close(fd);
		return;
	}
	bytes = make_answer(name, &peer, answer);
	for (ssize_t i = 0; i < length; i++)
		if (question[i] == '\n' && write(fd, answer, bytes) < 0)
			return;
}

static void accept_all(int epoll_fd, int listener)
{
	struct epoll_event event = {.events = EPOLLIN};

	while ((event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event);
}

static int serve(const struct talk *talk)
{
	_cleanup_close_ int listener = bind_any(SOCK_STREAM, talk->port);
	_cleanup_close_ int datagrams = bind_any(SOCK_DGRAM, talk->port);
	_cleanup_close_ int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS] = {{.events = EPOLLIN}};

	if (listener < 0 || datagrams < 0 || epoll_fd < 0)
		return EXIT_FAILURE;
	events[0].data.fd = listener;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &events[0]);
	events[0].data.fd = datagrams;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, datagrams, &events[0]);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_all(epoll_fd, listener);
			else if (events[i].data.fd == datagrams)
				answer_datagrams(datagrams, talk->name);
			else
				answer_stream(events[i].data.fd, talk->name);
		}
	}
}

/* -- ask -- */

struct connection {
	int fd;
	char server[32]; /* who answered first */
};

static int parse_addr(const char *text, uint16_t port, struct sockaddr_storage *out,
		      socklen_t *size)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*size = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return log_fail(-EINVAL, "talk: '%s' is no address", text);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*size = sizeof(*v6);
	return 0;
}

static int bind_source(int fd, const struct talk *talk, int family)
{
	const char *any = family == AF_INET ? "0.0.0.0" : "::";
	struct sockaddr_storage from;
	socklen_t size;
	int one = 1;

	if (!talk->from && !talk->from_port)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (parse_addr(talk->from ? talk->from : any, talk->from_port, &from, &size))
		return -EINVAL;
	return bind(fd, (struct sockaddr *)&from, size) ? -errno : 0;
}

static int open_connection(const struct talk *talk)
{
	const struct timeval timeout = {.tv_sec = talk->timeout_s};
	struct sockaddr_storage to = {0};
	socklen_t size = 0;
	_cleanup_close_ int fd = -1;
	int one = 1, err;

	if (parse_addr(talk->to, talk->port, &to, &size))
		return -EINVAL;
	fd = socket(to.ss_family, (talk->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (talk->no_checksum)
		setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof(one));
	if (talk->ttl)
		setsockopt(fd, IPPROTO_IP, IP_TTL, &talk->ttl, sizeof(talk->ttl));
	err = bind_source(fd, talk, to.ss_family);
	if (err)
		return err;
	if (connect(fd, (struct sockaddr *)&to, size))
		return -errno;
	return take_fd(fd);
}

static int send_question(int fd, const struct talk *talk)
{
	_cleanup_free_ char *text = malloc(talk->bytes);
	size_t sent = 0;

	if (!text)
		return -ENOMEM;
	memset(text, '?', talk->bytes);
	text[talk->bytes - 1] = '\n';
	while (sent < talk->bytes) {
		ssize_t done = send(fd, text + sent, talk->bytes - sent, MSG_NOSIGNAL);

		if (done < 0)
			return -errno;
		sent += (size_t)done;
	}
	return 0;
}

/* Asks once. The answer, without its end of line, or negative errno. */
static int ask_once(const struct connection *connection, const struct talk *talk,
		    char answer[static ANSWER_BYTES])
{
	size_t used = 0;
	int err = send_question(connection->fd, talk);

	if (err)
		return err;
	do {
		ssize_t length = recv(connection->fd, answer + used, ANSWER_BYTES - 1 - used, 0);

		if (length < 0)
			return -errno;
		if (!length)
			return -ECONNRESET;
		used += (size_t)length;
	} while (answer[used - 1] != '\n' && used < ANSWER_BYTES - 1);
	answer[used - 1] = '\0';
	return 0;
}

/* Asks on every connection once more: how many have the server they had. */
static uint32_t ask_all(struct connection *connections, const struct talk *talk)
{
	char answer[ANSWER_BYTES];
	uint32_t same = 0;

	for (uint32_t i = 0; i < talk->connections; i++) {
		struct connection *connection = &connections[i];
		int err = ask_once(connection, talk, answer);

		if (err) {
			if (!talk->quiet)
				log_error(err, "talk: connection %u", i);
			continue;
		}
		if (!talk->quiet)
			puts(answer);
		answer[strcspn(answer, " ")] = '\0';
		if (!*connection->server)
			snprintf(connection->server, sizeof(connection->server), "%.31s", answer);
		same += strcmp(connection->server, answer) == 0;
	}
	fflush(stdout);
	return same;
}

static void close_all(struct connection *connections, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (connections[i].fd >= 0)
			close(connections[i].fd);
	free(connections);
}

static int ask(const struct talk *talk)
{
	struct connection *connections = calloc(talk->connections, sizeof(*connections));
	uint32_t same = 0;
	char line[64];

	if (!connections)
		return EXIT_FAILURE;
	for (uint32_t i = 0; i < talk->connections; i++) {
		connections[i].fd = open_connection(talk);
		if (connections[i].fd < 0) {
			log_error(connections[i].fd, "talk: connect to %s port %u", talk->to,
				  talk->port);
			close_all(connections, i);
			return EXIT_FAILURE;
		}
	}
	same = ask_all(connections, talk);
	while (talk->hold) {
		printf("%u of %u have their server\n", same, talk->connections);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			break;
		same = ask_all(connections, talk);
	}
	close_all(connections, talk->connections);
	return same == talk->connections ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* -- Options -- */

enum {
	OPTION_PORT = 256,
	OPTION_NAME,
	OPTION_TO,
	OPTION_FROM,
	OPTION_FROM_PORT,
	OPTION_CONNECTIONS,
	OPTION_TTL,
	OPTION_TIMEOUT,
	OPTION_BYTES,
	OPTION_UDP,
	OPTION_NO_CHECKSUM,
	OPTION_HOLD,
	OPTION_QUIET
};

static const struct option long_options[] = {
	{"port", required_argument, NULL, OPTION_PORT},
	{"name", required_argument, NULL, OPTION_NAME},
	{"to", required_argument, NULL, OPTION_TO},
	{"from", required_argument, NULL, OPTION_FROM},
	{"from-port", required_argument, NULL, OPTION_FROM_PORT},
	{"connections", required_argument, NULL, OPTION_CONNECTIONS},
	{"ttl", required_argument, NULL, OPTION_TTL},
	{"timeout", required_argument, NULL, OPTION_TIMEOUT},
	{"bytes", required_argument, NULL, OPTION_BYTES},
	{"udp", no_argument, NULL, OPTION_UDP},
	{"no-checksum", no_argument, NULL, OPTION_NO_CHECKSUM},
	{"hold", no_argument, NULL, OPTION_HOLD},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{0},
};

static bool take_option(struct talk *talk, int option)
{
	switch (option) {
	case OPTION_PORT:
		talk->port = (uint16_t)atoi(optarg);
		return true;
	case OPTION_NAME:
		talk->name = optarg;
		return true;
	case OPTION_TO:
		talk->to = optarg;
		return true;
	case OPTION_FROM:
		talk->from = optarg;
		return true;
	case OPTION_FROM_PORT:
		talk->from_port = (uint16_t)atoi(optarg);
		return true;
	case OPTION_CONNECTIONS:
		talk->connections = (uint32_t)atoi(optarg);
		return true;
	case OPTION_TTL:
		talk->ttl = atoi(optarg);
		return true;
	case OPTION_TIMEOUT:
		talk->timeout_s = atoi(optarg);
		return true;
	case OPTION_BYTES:
		talk->bytes = (size_t)atol(optarg);
		return true;
	case OPTION_UDP:
		return talk->udp = true;
	case OPTION_NO_CHECKSUM:
		return talk->no_checksum = true;
	case OPTION_HOLD:
		return talk->hold = true;
	case OPTION_QUIET:
		return talk->quiet = true;
	default:
		return false;
	}
}

int cmd_talk(int argc, char **argv)
{
	struct talk talk = {
		.name = "server", .connections = 1, .timeout_s = 5, .bytes = sizeof(QUESTION) - 1};
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!take_option(&talk, option))
			return lab_usage("talk", "unknown option");
	if (optind != argc - 1 || !talk.port || !talk.connections || !talk.bytes)
		return lab_usage("talk", "needs serve or ask, and --port");
	raise_file_limit();
	if (strcmp(argv[optind], "serve") == 0)
		return serve(&talk);
	if (strcmp(argv[optind], "ask") == 0 && talk.to)
		return ask(&talk);
	return lab_usage("talk", "needs serve, or ask and --to");
}
