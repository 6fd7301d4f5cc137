/* The delay line of a machine: a pipe for every direction of a link that takes time. A pipe takes
 * frames from a TAP device, keeps each for as long as the way takes, and sends it on. Caps and
 * queues stand in front of it, as the qdisc of the TAP device.
 *
 * A pipe has rules by IPv4 destination (ARP: by the address asked for); the longest prefix that
 * fits is taken. A rule says how long a frame takes, by how much that varies, and how many frames
 * in a million never arrive. Frames of one rule arrive in their order unless it says otherwise.
 * A rule with a profile gives every packet of voice (RTP) the delay, or the loss, that the packet
 * sent at the same moment of a real call met.
 *
 * It has no pipes at first. They are made, changed and read through the abstract socket
 * SOCKET_NAME of the network namespace, read by anybody, changed by its own user alone: a
 * connection is one request, the end of the writing, and one answer. Requests:
 *
 *   pipe NAME TAP DEVICE            have this pipe: what goes out of TAP is sent on DEVICE, past
 *                                   its qdisc; where both are the same, it comes back in there
 *   set NAME                        followed by its rules, which take the place of the old ones
 *   rule PREFIX/BITS DELAY_US LOSS_PPM ORDERED SEED NOTE
 *   jitter US US US ...             of the rule above: equally likely, added to its delay
 *   profile AT_US DELAY_US|- ...    of the rule above: what the packet sent at that time met
 *   fault NAME LOSS_PPM SEED NOTE   lose so many frames in a million whatever the rules say, voice
 *                                   too; 0 ends that. The rules stay, and do not end it
 *   show                            the pipes, what became of frames so far, faults and rules
 *
 * Frames that wait while rules change keep their time. Needs CAP_NET_RAW, /dev/net/tun and TAP
 * devices that belong to its user; ends with SIGTERM.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_NAME "voice-tor-lab-delay-line"
#define MAX_PIPES 64
#define MAX_FRAME 2048
#define MAX_WAITING (256u << 20) /* bytes of all frames that wait */
#define MAX_PEERS 16
#define CHUNK 65536
#define MAX_REQUEST (8u << 20)
#define LEEWAY_US 5000           /* how far a sender's own pace may be off */
#define BATCH 64                 /* frames read from one pipe before the next one's turn */
#define BIN_US 10
#define BINS 1001 /* lateness in steps of BIN_US; the last bin holds all that was later */

enum { LISTENER = MAX_PIPES, TIMER, SIGNALS, PEERS };
/* What an event is of; below, pipes, and from PEERS on, peers. */

typedef struct {
  uint64_t sent, lost, refused;   /* frames; refused: too many waited, or the device took none */
  uint64_t late[BINS];            /* frames by how long after their time they were sent */
  uint64_t late_max_us, took_sum_us, took_max_us;
} Counts;

typedef struct {
  uint32_t prefix, mask;
  int bits;
  uint32_t delay_us, loss_ppm;
  int ordered;
  uint64_t random;
  uint64_t last_due, last_voice_due;
  int32_t *jitter_us;
  size_t jitters;
  uint64_t *at_us; /* of a profile */
  int64_t *takes_us; /* -1: never arrived */
  size_t packets, next;
  char note[32]; /* what the rule was made of, for whoever reads it back */
  uint64_t voice_began, round;
} Rule;

typedef struct {
  char name[64], device[IFNAMSIZ];
  int tap, out; /* out: -1 where frames come back in */
  struct sockaddr_ll to;
  Rule *rules; /* the longest prefix first */
  size_t rule_count;
  Counts counts;
  uint64_t waiting;
  uint32_t fault_ppm;
  uint64_t fault_random, fault_lost; /* frames, since the fault began */
  char fault_note[128]; /* of the last fault there was, for whoever reads it back */
} Pipe;

typedef struct {
  uint64_t due, number, came;
  Pipe *pipe;
  uint32_t length;
  unsigned char bytes[];
} Frame;

static Pipe pipes[MAX_PIPES];
static size_t pipe_count;
static Frame **heap;
static size_t heap_count, heap_room;
static uint64_t numbers, waiting_bytes;

static void die(const char *what) {
  fprintf(stderr, "delay-line: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

/* splitmix64, Steele et al. 2014 */
static uint64_t draw(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static void *room(void *old, size_t bytes) {
  void *found = realloc(old, bytes);
  if (!found) die("memory");
  return found;
}

/* Waiting frames, the next one due first; of those due at once, the one that came first. */

static int before(const Frame *a, const Frame *b) {
  return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void push(Frame *frame) {
  if (heap_count == heap_room) {
    heap_room = heap_room ? 2 * heap_room : 1024;
    heap = room(heap, heap_room * sizeof *heap);
  }
  size_t at = heap_count++;
  for (; at && before(frame, heap[(at - 1) / 2]); at = (at - 1) / 2) heap[at] = heap[(at - 1) / 2];
  heap[at] = frame;
}

static Frame *pop(void) {
  Frame *first = heap[0], *last = heap[--heap_count];
  size_t at = 0;
  for (size_t child; (child = 2 * at + 1) < heap_count; at = child) {
    if (child + 1 < heap_count && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], last)) break;
    heap[at] = heap[child];
  }
  heap[at] = last;
  return first;
}

/* Which rule a frame falls under. */

static uint32_t destination(const unsigned char *bytes, size_t length) {
  uint16_t type = (uint16_t)(bytes[12] << 8 | bytes[13]);
  size_t at = type == ETH_P_IP ? 30 : type == ETH_P_ARP ? 38 : 0;
  uint32_t address = 0;
  if (at && length >= at + 4) memcpy(&address, bytes + at, 4);
  return ntohl(address);
}

static Rule *rule_of(Pipe *pipe, const unsigned char *bytes, size_t length) {
  uint32_t address = destination(bytes, length);
  for (size_t i = 0; i < pipe->rule_count; i++)
    if ((address & pipe->rules[i].mask) == pipe->rules[i].prefix) return &pipe->rules[i];
  return NULL;
}

/* Whether it is a packet of voice: RTP version 2 (RFC 3550) in UDP in IPv4, not RTCP (RFC 5761). */
static int is_voice(const unsigned char *bytes, size_t length) {
  if (length < 14 + 20 + 8 + 12 || bytes[12] != 8 || bytes[13] != 0 || bytes[23] != 17) return 0;
  size_t rtp = 14 + (size_t)(bytes[14] & 15) * 4 + 8;
  if (length < rtp + 12 || (bytes[rtp] & 0xc0) != 0x80) return 0;
  unsigned kind = bytes[rtp + 1] & 0x7f;
  return kind < 64 || kind > 95;
}

/* How long a frame that came now takes, us; -1 if it never arrives. */
static int64_t takes(Rule *rule, int replayed, uint64_t came) {
  if (replayed) {
    if (!rule->voice_began) rule->voice_began = came;
    uint64_t at_us = (came - rule->voice_began) / 1000 + LEEWAY_US, last = rule->packets - 1;
    /* A shorter profile begins anew one packet after its last. */
    uint64_t period = rule->at_us[last] + (last ? rule->at_us[last] / last : 1);
    uint64_t round = at_us / period;
    at_us %= period;
    if (round != rule->round) rule->next = 0;
    rule->round = round;
    /* The last one sent until then; half-way between two, chance would choose. */
    while (rule->next + 1 < rule->packets && rule->at_us[rule->next + 1] <= at_us) rule->next++;
    return rule->takes_us[rule->next];
  }
  if (rule->loss_ppm && draw(&rule->random) % 1000000 < rule->loss_ppm) return -1;
  int64_t found = rule->delay_us;
  if (rule->jitters) found += rule->jitter_us[draw(&rule->random) % rule->jitters];
  return found < 0 ? 0 : found;
}

static void take_in(Pipe *pipe, const unsigned char *bytes, size_t length) {
  uint64_t came = now_ns();
  if (pipe->fault_ppm && draw(&pipe->fault_random) % 1000000 < pipe->fault_ppm) {
    pipe->fault_lost++;
    return;
  }
  Rule *rule = rule_of(pipe, bytes, length);
  int replayed = rule && rule->packets && is_voice(bytes, length);
  int64_t delay_us = rule ? takes(rule, replayed, came) : 0;
  if (delay_us < 0) {
    pipe->counts.lost++;
    return;
  }
  if (waiting_bytes + length > MAX_WAITING) {
    pipe->counts.refused++;
    return;
  }
  uint64_t due = came + (uint64_t)delay_us * 1000;
  if (rule && rule->ordered) {
    /* What else is on the way must not hold back voice that is to take less. */
    uint64_t *last = replayed ? &rule->last_voice_due : &rule->last_due;
    if (due < *last) due = *last;
    *last = due;
  }
  Frame *frame = room(NULL, sizeof *frame + length);
  *frame = (Frame){due, numbers++, came, pipe, (uint32_t)length};
  memcpy(frame->bytes, bytes, length);
  waiting_bytes += length;
  pipe->waiting++;
  push(frame);
}

static void send_on(Frame *frame) {
  Pipe *pipe = frame->pipe;
  Counts *counts = &pipe->counts;
  ssize_t done = pipe->out < 0 ? write(pipe->tap, frame->bytes, frame->length)
                               : sendto(pipe->out, frame->bytes, frame->length, MSG_DONTWAIT,
                                        (struct sockaddr *)&pipe->to, sizeof pipe->to);
  uint64_t now = now_ns(), late_us = now > frame->due ? (now - frame->due) / 1000 : 0;
  if (done < 0) {
    counts->refused++;
  } else {
    uint64_t took_us = (now - frame->came) / 1000;
    counts->sent++;
    counts->took_sum_us += took_us;
    if (took_us > counts->took_max_us) counts->took_max_us = took_us;
    counts->late[late_us / BIN_US < BINS - 1 ? late_us / BIN_US : BINS - 1]++;
    if (late_us > counts->late_max_us) counts->late_max_us = late_us;
  }
  waiting_bytes -= frame->length;
  pipe->waiting--;
  free(frame);
}

static void send_due(void) {
  while (heap_count && heap[0]->due <= now_ns()) send_on(pop());
}

/* Reads a batch; whether there may be more. */
static int read_tap(Pipe *pipe) {
  unsigned char bytes[MAX_FRAME];
  for (int i = 0; i < BATCH; i++) {
    ssize_t length = read(pipe->tap, bytes, sizeof bytes);
    if (length < 14) return 0;
    take_in(pipe, bytes, (size_t)length);
  }
  return 1;
}

/* Requests. */

static Pipe *pipe_named(const char *name) {
  for (size_t i = 0; i < pipe_count; i++)
    if (!strcmp(pipes[i].name, name)) return &pipes[i];
  return NULL;
}

static int longer_first(const void *a, const void *b) {
  return ((const Rule *)b)->bits - ((const Rule *)a)->bits;
}

static void forget(Rule *rules, size_t count) {
  for (size_t i = 0; i < count; i++) {
    free(rules[i].jitter_us);
    free(rules[i].at_us);
    free(rules[i].takes_us);
  }
  free(rules);
}

static int read_rule(const char *words, Rule *rule) {
  char prefix[32];
  unsigned order;
  struct in_addr address;
  unsigned long long seed;
  if (sscanf(words, "%31[0-9.]/%d %u %u %u %llu %31s", prefix, &rule->bits, &rule->delay_us,
             &rule->loss_ppm, &order, &seed, rule->note) != 7 ||
      !inet_aton(prefix, &address) || rule->bits < 0 || rule->bits > 32)
    return 0;
  rule->mask = rule->bits ? ~0u << (32 - rule->bits) : 0;
  rule->prefix = ntohl(address.s_addr) & rule->mask;
  rule->ordered = order != 0;
  rule->random = seed;
  return 1;
}

static void read_jitter(char *words, Rule *rule) {
  char *end;
  for (long found; found = strtol(words, &end, 10), end != words; words = end) {
    rule->jitter_us = room(rule->jitter_us, (rule->jitters + 1) * sizeof *rule->jitter_us);
    rule->jitter_us[rule->jitters++] = (int32_t)found;
  }
}

static int read_profile(char *words, Rule *rule) {
  char *end;
  for (;;) {
    unsigned long long at_us = strtoull(words, &end, 10);
    if (end == words) return 1;
    words = end + strspn(end, " ");
    int64_t takes_us = -1;
    if (*words == '-') {
      words++;
    } else {
      takes_us = strtoll(words, &end, 10);
      if (end == words || takes_us < 0) return 0;
      words = end;
    }
    rule->at_us = room(rule->at_us, (rule->packets + 1) * sizeof *rule->at_us);
    rule->takes_us = room(rule->takes_us, (rule->packets + 1) * sizeof *rule->takes_us);
    rule->at_us[rule->packets] = at_us;
    rule->takes_us[rule->packets++] = takes_us;
  }
}

/* Takes over rules whose lines follow each other; NULL, or what is wrong with them. */
static const char *set(Pipe *pipe, char *lines) {
  Rule *rules = NULL;
  size_t count = 0;
  const char *wrong = NULL;
  for (char *line, *rest = lines; !wrong && (line = strsep(&rest, "\n"));) {
    if (!strncmp(line, "rule ", 5)) {
      rules = room(rules, (count + 1) * sizeof *rules);
      rules[count] = (Rule){0};
      if (!read_rule(line + 5, &rules[count++])) wrong = "a rule cannot be read";
    } else if (!strncmp(line, "jitter ", 7) && count) {
      read_jitter(line + 7, &rules[count - 1]);
    } else if (!strncmp(line, "profile ", 8) && count) {
      if (!read_profile(line + 8, &rules[count - 1])) wrong = "a profile cannot be read";
    } else if (*line) {
      wrong = "a line is neither rule nor jitter nor profile";
    }
  }
  if (wrong) {
    forget(rules, count);
    return wrong;
  }
  /* What is under way arrives first, whatever rule it came under. */
  uint64_t last = 0;
  for (size_t i = 0; i < pipe->rule_count; i++) {
    if (pipe->rules[i].last_due > last) last = pipe->rules[i].last_due;
    if (pipe->rules[i].last_voice_due > last) last = pipe->rules[i].last_voice_due;
  }
  for (size_t i = 0; i < count; i++)
    rules[i].last_due = rules[i].last_voice_due = rules[i].ordered ? last : 0;
  qsort(rules, count, sizeof *rules, longer_first);
  forget(pipe->rules, pipe->rule_count);
  pipe->rules = rules;
  pipe->rule_count = count;
  return NULL;
}

/* Begins a fault, or ends one; NULL, or what is wrong. */
static const char *set_fault(const char *words) {
  char name[64], note[128];
  unsigned ppm;
  unsigned long long seed;
  if (sscanf(words, "%63s %u %llu %127s", name, &ppm, &seed, note) != 4)
    return "a fault cannot be read";
  Pipe *pipe = pipe_named(name);
  if (!pipe) return "there is no such pipe";
  if (ppm) {
    pipe->fault_lost = 0;
    pipe->fault_random = seed;
  }
  pipe->fault_ppm = ppm;
  strcpy(pipe->fault_note, note);
  return NULL;
}

static void show(FILE *to) {
  for (size_t i = 0; i < pipe_count; i++) {
    Pipe *pipe = &pipes[i];
    Counts *counts = &pipe->counts;
    fprintf(to, "pipe %s sent %llu lost %llu refused %llu waiting %llu took_sum_us %llu "
                "took_max_us %llu late_max_us %llu\n",
            pipe->name, (unsigned long long)counts->sent, (unsigned long long)counts->lost,
            (unsigned long long)counts->refused, (unsigned long long)pipe->waiting,
            (unsigned long long)counts->took_sum_us, (unsigned long long)counts->took_max_us,
            (unsigned long long)counts->late_max_us);
    fprintf(to, "late %d", BIN_US);
    for (size_t bin = 0; bin < BINS; bin++)
      if (counts->late[bin]) fprintf(to, " %zu:%llu", bin, (unsigned long long)counts->late[bin]);
    fprintf(to, "\n");
    if (*pipe->fault_note)
      fprintf(to, "fault %u %llu %s\n", pipe->fault_ppm, (unsigned long long)pipe->fault_lost,
              pipe->fault_note);
    for (size_t r = 0; r < pipe->rule_count; r++) {
      Rule *rule = &pipe->rules[r];
      struct in_addr address = {htonl(rule->prefix)};
      fprintf(to, "rule %s/%d %u %u %d %s jitters %zu packets %zu met %zu\n", inet_ntoa(address),
              rule->bits, rule->delay_us, rule->loss_ppm, rule->ordered, rule->note, rule->jitters,
              rule->packets, rule->voice_began ? rule->next + 1 : 0);
    }
  }
}

static void watch(int poll, int descriptor, uint32_t number) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event)) die("epoll");
}

/* Has the pipe that `words` describe; NULL, or what is wrong. */
static const char *have_pipe(const char *words, uint32_t *made) {
  Pipe pipe = {.tap = -1, .out = -1};
  char tap[IFNAMSIZ];
  if (sscanf(words, "%63s %15s %15s", pipe.name, tap, pipe.device) != 3)
    return "a pipe has a name, a tap and a device";
  if (pipe_named(pipe.name)) return NULL;
  if (pipe_count == MAX_PIPES) return "there are too many pipes";
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  memcpy(request.ifr_name, tap, IFNAMSIZ);
  int yes = 1, inwards = !strcmp(tap, pipe.device);
  pipe.to = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_halen = 6};
  const char *wrong = NULL;
  if ((pipe.tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0)
    wrong = "/dev/net/tun cannot be opened";
  else if (ioctl(pipe.tap, TUNSETIFF, &request) < 0)
    wrong = "the tap cannot be taken";
  else if (!(pipe.to.sll_ifindex = (int)if_nametoindex(pipe.device)))
    wrong = "the device is not there";
  else if (!inwards && (pipe.out = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) < 0)
    wrong = "no packet socket can be had";
  else if (!inwards && setsockopt(pipe.out, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes))
    wrong = "the qdisc cannot be passed by";
  if (wrong) {
    int reason = errno;
    if (pipe.tap >= 0) close(pipe.tap);
    if (pipe.out >= 0) close(pipe.out);
    errno = reason;
    return wrong;
  }
  *made = (uint32_t)pipe_count;
  pipes[pipe_count++] = pipe;
  return NULL;
}

static void answer_request(int poll, int own, char *request, FILE *to) {
  char *rest = request, *line = strsep(&rest, "\n");
  if (!strcmp(line, "show")) {
    show(to);
  } else if (!own) {
    fprintf(to, "error only its own user changes a delay line\n");
  } else if (!strncmp(line, "set ", 4)) {
    Pipe *pipe = pipe_named(line + 4);
    const char *wrong = pipe ? set(pipe, rest ? rest : "") : "there is no such pipe";
    fprintf(to, wrong ? "error %s\n" : "done\n", wrong);
  } else if (!strncmp(line, "fault ", 6)) {
    const char *wrong = set_fault(line + 6);
    fprintf(to, wrong ? "error %s\n" : "done\n", wrong);
  } else if (!strncmp(line, "pipe ", 5)) {
    uint32_t made = MAX_PIPES;
    const char *wrong = have_pipe(line + 5, &made);
    if (wrong)
      fprintf(to, "error %s: %s\n", wrong, strerror(errno));
    else
      fprintf(to, "done\n");
    if (made < MAX_PIPES) watch(poll, pipes[made].tap, made);
  } else {
    fprintf(to, "error no such request\n");
  }
}

/* Requests come in pieces, beside the frames: whoever writes slowly makes nobody late. */

typedef struct {
  int socket, own; /* own: it runs as this program's user */
  char *request;
  size_t length;
} Peer;

static Peer peers[MAX_PEERS];

static void hang_up(Peer *peer) {
  close(peer->socket);
  free(peer->request);
  *peer = (Peer){.socket = -1};
}

static void greet(int poll, int listener) {
  int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return;
  for (uint32_t i = 0; i < MAX_PEERS; i++) {
    if (peers[i].socket >= 0) continue;
    struct ucred who;
    socklen_t size = sizeof who;
    int own = !getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) && who.uid == getuid();
    peers[i] = (Peer){.socket = socket, .own = own};
    watch(poll, socket, PEERS + i);
    return;
  }
  close(socket);
}

static void send_answer(int poll, Peer *peer) {
  char *answer;
  size_t length;
  FILE *to = open_memstream(&answer, &length);
  if (!to) die("memory");
  answer_request(poll, peer->own, peer->request, to);
  fclose(to);
  /* It goes into the socket's buffer whole; whoever wants more than fits there gets a part. */
  if (send(peer->socket, answer, length, MSG_NOSIGNAL) < 0) perror("delay-line: answer");
  free(answer);
}

static void listen_to(int poll, Peer *peer) {
  peer->request = room(peer->request, peer->length + CHUNK + 1);
  ssize_t more = recv(peer->socket, peer->request + peer->length, CHUNK, 0);
  if (more < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (more > 0 && peer->length < MAX_REQUEST) {
    peer->length += (size_t)more;
    return;
  }
  peer->request[peer->length] = 0;
  if (!more) send_answer(poll, peer);
  hang_up(peer);
}

static int listening(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path + 1, SOCKET_NAME, sizeof SOCKET_NAME - 1);
  int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof SOCKET_NAME);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) || listen(listener, 8))
    die("socket");
  return listener;
}

int main(void) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  sigprocmask(SIG_BLOCK, &ending, NULL);
  prctl(PR_SET_TIMERSLACK, 1);
  for (int i = 0; i < MAX_PEERS; i++) peers[i].socket = -1;
  int poll = epoll_create1(EPOLL_CLOEXEC), listener = listening();
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  int signals = signalfd(-1, &ending, SFD_NONBLOCK | SFD_CLOEXEC);
  if (poll < 0 || timer < 0 || signals < 0) die("epoll");
  watch(poll, listener, LISTENER);
  watch(poll, timer, TIMER);
  watch(poll, signals, SIGNALS);
  printf("ready\n");
  fflush(stdout);
  for (uint64_t armed = 0;;) {
    send_due();
    uint64_t due = heap_count ? heap[0]->due : 0;
    if (due != armed) {
      struct itimerspec when = {.it_value = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)}};
      timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
      armed = due;
    }
    struct epoll_event events[PEERS + MAX_PEERS];
    int count = epoll_wait(poll, events, PEERS + MAX_PEERS, -1);
    if (count < 0 && errno != EINTR) die("epoll");
    send_due();
    for (int i = 0; i < count; i++) {
      uint32_t which = events[i].data.u32;
      if (which == SIGNALS) return 0;
      if (which == LISTENER) {
        greet(poll, listener);
      } else if (which == TIMER) {
        uint64_t times;
        if (read(timer, &times, sizeof times) < 0 && errno != EAGAIN) die("timer");
        armed = 0;
      } else if (which >= PEERS) {
        listen_to(poll, &peers[which - PEERS]);
      } else {
        read_tap(&pipes[which]);
      }
    }
  }
}
