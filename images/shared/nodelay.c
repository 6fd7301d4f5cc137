/* Sets TCP_NODELAY on the TCP connections of the program it is preloaded into (LD_PRELOAD).
 *
 * Tor sets it on no socket, so that Nagle's algorithm (RFC 896) holds its small segments at every
 * hop. LAB_NODELAY says on which connections it is set:
 *   all               on every one that is opened or accepted
 *   but:9001,9030     on every one that is opened to another port than these: a relay's connections
 *                     as an exit; what it accepts is left alone
 * LAB_NODELAY_LEDGER names a file that says at any time what was done, read back from each socket:
 *   pid=12 on=all set=7 left=0 refused=0
 *
 * System calls are made directly: one object then serves every version of the C library. The
 * program's children are without it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_PORTS = 16 };

static int spared[MOST_PORTS], spared_count;
static int all, ledger = -1;
static atomic_long set, left, refused;

static void write_ledger(void)
{
    char line[160];
    int length, saved = errno;

    if (ledger < 0)
        return;
    /* Counts only grow, so that a line covers the one before. */
    length = snprintf(line, sizeof line, "pid=%ld on=%s set=%ld left=%ld refused=%ld\n",
                      (long)getpid(), all ? "all" : "exits", set, left, refused);
    if (pwrite(ledger, line, length, 0) < 0)
        ledger = -1;
    errno = saved;
}

__attribute__((constructor)) static void begin(void)
{
    const char *on = getenv("LAB_NODELAY"), *file = getenv("LAB_NODELAY_LEDGER");

    unsetenv("LD_PRELOAD");
    all = on && !strcmp(on, "all");
    if (on && !strncmp(on, "but:", 4)) {
        for (on += 4; *on && spared_count < MOST_PORTS; on += *on == ',')
            spared[spared_count++] = (int)strtol(on, (char **)&on, 10);
    }
    if (file)
        ledger = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    write_ledger();
}

static int is_tcp(int fd)
{
    int kind = 0, domain = 0;
    socklen_t size = sizeof kind;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) || kind != SOCK_STREAM)
        return 0;
    size = sizeof domain;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size))
        return 0;
    return domain == AF_INET || domain == AF_INET6;
}

static void set_nodelay(int fd)
{
    int on = 1, found = 0, saved = errno;
    socklen_t size = sizeof found;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &found, &size) || !found)
        refused++;
    else
        set++;
    errno = saved;
    write_ledger();
}

static void leave(void)
{
    left++;
    write_ledger();
}

static int is_spared(const struct sockaddr *address)
{
    int port = 0;

    if (address->sa_family == AF_INET)
        port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    else if (address->sa_family == AF_INET6)
        port = ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    for (int i = 0; i < spared_count; i++)
        if (spared[i] == port)
            return 1;
    return 0;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    if (address && is_tcp(fd)) {
        if (all || (spared_count && !is_spared(address)))
            set_nodelay(fd);
        else
            leave();
    }
    return (int)syscall(SYS_connect, fd, address, length);
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    int accepted = (int)syscall(SYS_accept4, fd, address, length, flags);

    if (accepted >= 0 && is_tcp(accepted)) {
        if (all)
            set_nodelay(accepted);
        else
            leave();
    }
    return accepted;
}

int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}
