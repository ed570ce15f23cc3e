/* The referee: plays Lambda's Runtime API to one client and measures that client from outside.
 *
 * It starts the client, serves one canned event to every GET .../invocation/next as fast as the client takes it, and
 * prints one line of JSON. One thread, epoll, nothing allocated per invocation: what it costs itself is small and the
 * same for every client.
 *
 *   rapid -e EVENT.json [-n COUNT] [-w COUNT] [-c COUNT] [-d MS] [-p CPU] [-x TEXT] [-t SECONDS] [-Cv] COMMAND ARG...
 *
 *   -e  the file that holds the event
 *   -n  invocations that are measured (20000)
 *   -w  invocations before them that are not (2000)
 *   -c  invocations outstanding at once (1); AWS_LAMBDA_MAX_CONCURRENCY tells the client when it is over 1
 *   -d  milliseconds from a poll to its event (0): an idle client, which has to be woken
 *   -p  pin referee and client to this processor: without wake-ups across processors CPU time is work, and it repeats
 *   -x  what every response must contain in its first 4 KiB, else it counts as bad
 *   -t  seconds after which the run is given up (120)
 *   -C  stop at the first poll: a cold start and nothing else
 *   -v  print the bodies of errors that the client reports
 *
 * A body that begins with "sent-at=<CLOCK_MONOTONIC in ns>;" (after a prelude, if it has one) also says how long its
 * first message took to get here.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 512, READ = 512 * 1024, HEAD_LIMIT = 64 * 1024, KEPT = 4096, LISTENER = -1 };

typedef enum { POLL, RESPONSE, ERROR, INIT_ERROR, REGISTER, UNKNOWN } Call;

/* Where the decoder of a chunked body stands. */
typedef enum { SIZE, DATA, DATA_END, TRAILER } ChunkPart;

typedef struct {
  int fd;
  bool waiting; /* has polled and is owed an event */
  double due;   /* not before this time (-d) */

  bool in_body;
  Call call;
  long id;          /* which invocation a response or an error is for */
  bool chunked;
  long long left;   /* of a body with a length, or of the current chunk */
  ChunkPart part;
  char line[32];    /* the current size line, cut: extensions do not matter here */
  size_t line_length;
  bool trailers;

  long long body_length;
  double first_byte;  /* when the body's first byte came */
  char kept[KEPT + 1]; /* the body's first bytes */

  char *buffer; /* what came and is not yet used: never more than an unfinished head */
  size_t length;
} Connection;

typedef struct {
  double cpu;                    /* seconds, of all threads, those that have ended included */
  long pss, resident, peak;      /* KiB */
  int processes;
} Tree;

static struct {
  const char *event_file, *expected;
  long measured, warm_up;
  int concurrency, processor;
  double delay, limit;
  bool cold, verbose;
} options = {.measured = 20000, .warm_up = 2000, .concurrency = 1, .processor = -1, .limit = 120};

static Connection connections[CONNECTIONS];
static char *event, *message; /* the event's JSON; room for a whole answer to a poll */
static size_t event_length;
static pid_t client;
static int epoll, connection_count;

static long handed, answered, bad, errors, init_errors, with_trailers;
static double started, first_poll, began, ended; /* 0 until it happened */
static Tree before, after;
static long long body_bytes;

/* What is known of the invocations under way, by id modulo the most that there can be. */
static struct { long id; double handed_at; bool open; } under_way[CONNECTIONS];

typedef struct { double *values; long count; } Series;
static Series latencies, first_bytes, transits;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what) {
  fprintf(stderr, "rapid: %s: %s\n", what, strerror(errno));
  if (client > 0) killpg(client, SIGKILL);
  exit(2);
}

/* ---- the client's processes: CPU time and memory ---------------------------------------------------------------- */

static bool in_group(pid_t pid) { return getpgid(pid) == client; }

/* CLOCK_PROCESS_CPUTIME_ID of another process: nanoseconds, and threads that have ended are counted, which
 * /proc/PID/task does not do (a client that makes a thread per invocation would look too good). */
static double cpu_seconds(pid_t pid) {
  clockid_t clock;
  struct timespec time;
  if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time)) return 0;
  return time.tv_sec + time.tv_nsec / 1e9;
}

/* The value of a line of /proc/PID/<file>, such as "VmHWM:  1234 kB". */
static long proc_value(pid_t pid, const char *file, const char *name) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
  FILE *stream = fopen(path, "r");
  if (!stream) return 0;
  long value = 0;
  size_t length = strlen(name);
  while (fgets(line, sizeof line, stream))
    if (!strncmp(line, name, length) && line[length] == ':') value = atol(line + length + 1);
  fclose(stream);
  return value;
}

/* Makes the kernel forget the peak of a process's memory, so that what comes after can be told from the start-up. */
static void forget_peak(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/clear_refs", pid);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return; /* the growth is then an upper bound */
  if (write(fd, "5", 1) != 1) perror("rapid: clear_refs");
  close(fd);
}

typedef void Visit(pid_t, Tree *);

static void visit_cpu(pid_t pid, Tree *tree) {
  tree->cpu += cpu_seconds(pid);
  tree->processes++;
}

static void visit_memory(pid_t pid, Tree *tree) {
  tree->pss += proc_value(pid, "smaps_rollup", "Pss");
  tree->resident += proc_value(pid, "status", "VmRSS");
  tree->peak += proc_value(pid, "status", "VmHWM");
}

static void visit_forget(pid_t pid, Tree *tree) {
  (void)tree;
  forget_peak(pid);
}

static void each_process(Visit *visit, Tree *tree) {
  DIR *directory = opendir("/proc");
  if (!directory) fail("/proc");
  for (struct dirent *entry; (entry = readdir(directory));) {
    pid_t pid = atoi(entry->d_name);
    if (pid > 0 && in_group(pid)) visit(pid, tree);
  }
  closedir(directory);
}

/* The measured part begins. The slow readings come first, the clocks last. */
static void begin(void) {
  each_process(visit_forget, &before);
  each_process(visit_memory, &before);
  each_process(visit_cpu, &before);
  began = now();
}

static void end(void) {
  ended = now();
  each_process(visit_cpu, &after);
  each_process(visit_memory, &after);
}

/* ---- what the referee says -------------------------------------------------------------------------------------- */

static void put(Connection *connection, const char *bytes, size_t length) {
  while (length) {
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      struct pollfd writable = {.fd = connection->fd, .events = POLLOUT};
      poll(&writable, 1, 1000);
      continue;
    }
    if (sent < 0) return; /* the client is gone: the next read will say so */
    bytes += sent;
    length -= sent;
  }
}

static void put_status(Connection *connection, const char *status, const char *header) {
  char text[256];
  const char *body = "{\"status\":\"OK\"}\n";
  int length = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                        header, strlen(body), body);
  put(connection, text, length);
}

static void hand_event(Connection *connection) {
  if (handed == 0 && options.warm_up == 0) begin();
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  long long deadline = (time.tv_sec + 60) * 1000LL + time.tv_nsec / 1000000;
  long id = handed++;
  /* Ids differ as on Lambda: a cache that only a benchmark hits must not look good. */
  int length = sprintf(message,
                       "HTTP/1.1 200 OK\r\n"
                       "Content-Type: application/json\r\n"
                       "Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-%012ld\r\n"
                       "Lambda-Runtime-Deadline-Ms: %lld\r\n"
                       "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n"
                       "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-%024lx;Parent=9a9197af755a6419;Sampled=0\r\n"
                       "Content-Length: %zu\r\n\r\n",
                       id, deadline, id, event_length);
  memcpy(message + length, event, event_length);
  connection->waiting = false;
  under_way[id % CONNECTIONS].id = id;
  under_way[id % CONNECTIONS].open = true;
  under_way[id % CONNECTIONS].handed_at = now();
  put(connection, message, length + event_length);
}

static bool may_hand(void) {
  return handed < options.warm_up + options.measured && handed - answered < options.concurrency;
}

/* ---- what the client says --------------------------------------------------------------------------------------- */

static void add(Series *series, double value) {
  if (series->count < options.measured) series->values[series->count++] = value;
}

static void note_transit(Connection *connection, size_t kept) {
  const char mark[] = "sent-at=";
  char *stamp = memmem(connection->kept, kept, mark, sizeof mark - 1);
  if (stamp) add(&transits, connection->first_byte - strtoll(stamp + sizeof mark - 1, NULL, 10) / 1e9);
}

/* A whole response or error has come for an invocation. */
static void finish_invocation(Connection *connection) {
  size_t kept = connection->body_length < KEPT ? connection->body_length : KEPT;
  long slot = connection->id % CONNECTIONS;
  if (connection->id < 0 || under_way[slot].id != connection->id || !under_way[slot].open) {
    bad++;
    put_status(connection, "400 Bad Request", "");
    return;
  }
  under_way[slot].open = false;
  if (connection->call == ERROR) {
    errors++;
    if (options.verbose) fprintf(stderr, "rapid: error %ld: %s\n", connection->id, connection->kept);
  } else if (options.expected && !memmem(connection->kept, kept, options.expected, strlen(options.expected))) {
    bad++;
    if (options.verbose) fprintf(stderr, "rapid: response %ld: %s\n", connection->id, connection->kept);
  }
  if (connection->trailers) with_trailers++;
  if (began) {
    add(&latencies, now() - under_way[slot].handed_at);
    if (kept) add(&first_bytes, connection->first_byte - under_way[slot].handed_at);
    note_transit(connection, kept);
    body_bytes += connection->body_length;
  }
  answered++;
  /* The last answer ends the measured part before the client is let go on: it would poll again meanwhile. */
  if (answered == options.warm_up + options.measured) end();
  put_status(connection, "202 Accepted", "");
  if (answered == options.warm_up && !began) begin();
}

static void finish_request(Connection *connection) {
  switch (connection->call) {
    case POLL:
      if (!first_poll) first_poll = now();
      connection->waiting = true;
      connection->due = options.delay ? now() + options.delay : 0;
      if (!options.delay && may_hand()) hand_event(connection);
      break;
    case RESPONSE:
    case ERROR: finish_invocation(connection); break;
    case INIT_ERROR:
      init_errors++;
      if (options.verbose) fprintf(stderr, "rapid: init error: %s\n", connection->kept);
      put_status(connection, "202 Accepted", "");
      break;
    case REGISTER:
      put_status(connection, "200 OK", "Lambda-Extension-Identifier: 11111111-2222-4333-8444-555555555555\r\n");
      break;
    case UNKNOWN: put_status(connection, "404 Not Found", ""); break;
  }
}

static void take_body(Connection *connection, const char *bytes, size_t length, double arrived) {
  if (!length) return;
  if (!connection->body_length) connection->first_byte = arrived;
  if (connection->body_length < KEPT) {
    size_t room = KEPT - connection->body_length, count = length < room ? length : room;
    memcpy(connection->kept + connection->body_length, bytes, count);
    connection->kept[connection->body_length + count] = 0;
  }
  connection->body_length += length;
}

/* The size line has ended. False where it is not one. */
static bool take_size(Connection *connection) {
  char *rest;
  connection->line[connection->line_length] = 0;
  connection->left = strtoll(connection->line, &rest, 16);
  bool valid = rest != connection->line && connection->left >= 0;
  connection->line_length = 0;
  connection->part = connection->left ? DATA : TRAILER;
  return valid;
}

/* Takes what belongs to a chunked body; gives the number of bytes, or -1 where it is malformed. */
static ssize_t take_chunks(Connection *connection, const char *bytes, size_t length, double arrived, bool *complete) {
  size_t used = 0;
  while (used < length) {
    char byte = bytes[used];
    switch (connection->part) {
      case SIZE:
        used++;
        if (byte == '\n') {
          if (!take_size(connection)) return -1;
        } else if (connection->line_length < sizeof connection->line - 1) {
          connection->line[connection->line_length++] = byte;
        }
        break;
      case DATA: {
        size_t rest = length - used, count = rest < (size_t)connection->left ? rest : (size_t)connection->left;
        take_body(connection, bytes + used, count, arrived);
        used += count;
        connection->left -= count;
        if (!connection->left) connection->part = DATA_END;
        break;
      }
      case DATA_END:
        used++;
        if (byte == '\n') connection->part = SIZE;
        else if (byte != '\r') return -1;
        break;
      case TRAILER: /* lines until an empty one */
        used++;
        if (byte == '\n' && !connection->line_length) {
          *complete = true;
          return used;
        }
        if (byte == '\n') connection->trailers = true, connection->line_length = 0;
        else if (byte != '\r') connection->line_length = 1;
        break;
    }
  }
  return used;
}

static ssize_t take_length(Connection *connection, const char *bytes, size_t length, double arrived, bool *complete) {
  size_t count = length < (size_t)connection->left ? length : (size_t)connection->left;
  take_body(connection, bytes, count, arrived);
  connection->left -= count;
  *complete = !connection->left;
  return count;
}

static Call call_of(const char *target) {
  if (strstr(target, "/invocation/next")) return POLL;
  if (strstr(target, "/init/error")) return INIT_ERROR;
  if (strstr(target, "/response")) return RESPONSE;
  if (strstr(target, "/error")) return ERROR;
  return strstr(target, "/extension/register") ? REGISTER : UNKNOWN;
}

/* Reads a request's head, which is NUL-terminated here. */
static void take_head(Connection *connection, char *head) {
  const char *length = strcasestr(head, "\ncontent-length:");
  const char *encoding = strcasestr(head, "\ntransfer-encoding:");
  bool hesitates = strcasestr(head, "\nexpect: 100-continue"); /* libcurl does, before large bodies */
  head[strcspn(head, "\r\n")] = 0;
  const char *id = strstr(head, "-8000-");
  connection->call = call_of(head);
  connection->id = id ? atol(id + 6) : -1;
  connection->chunked = encoding && !strncasecmp(encoding + 19 + strspn(encoding + 19, " "), "chunked", 7);
  connection->left = length ? strtoll(length + 16, NULL, 10) : 0;
  connection->part = SIZE;
  connection->line_length = 0;
  connection->trailers = false;
  connection->body_length = 0;
  connection->kept[0] = 0;
  connection->in_body = connection->chunked || connection->left > 0;
  if (hesitates) put(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

static void drop(Connection *connection) {
  close(connection->fd);
  connection->fd = -1;
  connection->waiting = false;
}

/* Uses everything that can be used: a client may pipeline its response and its next poll. */
static void take(Connection *connection, double arrived) {
  size_t used = 0;
  while (used < connection->length) {
    char *bytes = connection->buffer + used;
    size_t length = connection->length - used;
    bool complete = false;
    if (connection->in_body) {
      ssize_t count = (connection->chunked ? take_chunks : take_length)(connection, bytes, length, arrived, &complete);
      if (count < 0) {
        bad++;
        drop(connection);
        return;
      }
      used += count;
    } else {
      char *head_end = memmem(bytes, length, "\r\n\r\n", 4);
      if (!head_end) break;
      *head_end = 0;
      take_head(connection, bytes);
      used += head_end + 4 - bytes;
      complete = !connection->in_body;
    }
    if (complete) {
      connection->in_body = false;
      finish_request(connection);
    }
  }
  connection->length -= used;
  memmove(connection->buffer, connection->buffer + used, connection->length);
  if (connection->length > HEAD_LIMIT) drop(connection);
}

/* One read per wake-up: a second one, which only finds nothing, would be work for each invocation. */
static void read_some(Connection *connection) {
  ssize_t count = recv(connection->fd, connection->buffer + connection->length, READ, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    drop(connection);
    return;
  }
  connection->length += count;
  take(connection, now());
}

static void accept_all(int listener) {
  for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
    int index = 0, yes = 1, room = 4 << 20;
    while (index < CONNECTIONS && connections[index].fd >= 0) index++;
    if (index == CONNECTIONS) {
      close(fd);
      continue;
    }
    Connection *connection = &connections[index];
    char *buffer = connection->buffer ? connection->buffer : malloc(HEAD_LIMIT + READ);
    if (!buffer) fail("memory");
    memset(connection, 0, sizeof *connection);
    connection->fd = fd;
    connection->buffer = buffer;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    struct epoll_event readable = {.events = EPOLLIN, .data.fd = index};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &readable);
    connection_count++;
  }
}

/* Hands events to those who wait; gives the milliseconds until the next one is due. */
static int hand_due(void) {
  double wait = 0.1, time = options.delay ? now() : 0;
  for (int i = 0; i < CONNECTIONS && may_hand(); i++) {
    Connection *connection = &connections[i];
    if (connection->fd < 0 || !connection->waiting) continue;
    if (connection->due <= time) hand_event(connection);
    else if (connection->due - time < wait) wait = connection->due - time;
  }
  return (int)(wait * 1e3 + 0.999);
}

/* ---- the run ---------------------------------------------------------------------------------------------------- */

static void parse_options(int count, char **arguments) {
  /* "+": the client's own options are not ours */
  for (int option; (option = getopt(count, arguments, "+e:n:w:c:d:p:x:t:Cv")) != -1;) switch (option) {
      case 'e': options.event_file = optarg; break;
      case 'n': options.measured = atol(optarg); break;
      case 'w': options.warm_up = atol(optarg); break;
      case 'c': options.concurrency = atoi(optarg); break;
      case 'd': options.delay = atof(optarg) / 1e3; break;
      case 'p': options.processor = atoi(optarg); break;
      case 'x': options.expected = optarg; break;
      case 't': options.limit = atof(optarg); break;
      case 'C': options.cold = true; break;
      case 'v': options.verbose = true; break;
      default: exit(2);
    }
  if (!options.event_file || !arguments[optind] || options.measured < 1 || options.warm_up < 0 ||
      options.concurrency < 1 || options.concurrency > CONNECTIONS) {
    fprintf(stderr, "rapid: an event file, a command and counts in range are needed; see the head of rapid.c\n");
    exit(2);
  }
}

static void load_event(void) {
  FILE *file = fopen(options.event_file, "rb");
  if (!file) fail(options.event_file);
  fseek(file, 0, SEEK_END);
  event_length = ftell(file);
  rewind(file);
  event = malloc(event_length);
  message = malloc(event_length + 1024);
  if (!event || !message || fread(event, 1, event_length, file) != event_length) fail(options.event_file);
  fclose(file);
}

static int listen_on_loopback(void) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (void *)&address, length) || listen(listener, CONNECTIONS)) fail("listen");
  getsockname(listener, (void *)&address, &length);
  char text[32];
  snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(address.sin_port));
  setenv("AWS_LAMBDA_RUNTIME_API", text, 1);
  unsetenv("AWS_LAMBDA_MAX_CONCURRENCY");
  if (options.concurrency > 1) {
    snprintf(text, sizeof text, "%d", options.concurrency);
    setenv("AWS_LAMBDA_MAX_CONCURRENCY", text, 1);
  }
  return listener;
}

static void start_client(char **command) {
  started = now();
  client = fork();
  if (client < 0) fail("fork");
  if (client == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left behind when the referee is killed */
    dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is the referee's */
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
  }
  setpgid(client, client); /* in both: whoever is first */
}

static bool complete(void) { return ended || (options.cold && first_poll); }

static void serve(int listener) {
  struct epoll_event events[64], readable = {.events = EPOLLIN, .data.fd = LISTENER};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &readable);
  int wait = 100;
  while (!complete() && now() - started < options.limit) {
    int count = epoll_wait(epoll, events, 64, wait);
    if (count == 0 && waitpid(client, NULL, WNOHANG) == client) {
      client = 0;
      return;
    }
    for (int i = 0; i < count; i++) {
      if (events[i].data.fd == LISTENER) accept_all(listener);
      else read_some(&connections[events[i].data.fd]);
    }
    wait = hand_due();
  }
}

/* SIGTERM, a moment to end well (for a profiler, say), SIGKILL. */
static void stop_client(void) {
  if (!client) return;
  killpg(client, options.cold ? SIGKILL : SIGTERM);
  for (int i = 0; i < 100 && waitpid(client, NULL, WNOHANG) != client; i++) usleep(1000);
  killpg(client, SIGKILL);
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_number(const char *name, double value) { printf("\"%s\": %.3f, ", name, value); }

/* `null` where there is nothing to take a quantile of. */
static void print_quantile(const char *name, Series *series, double share, double unit) {
  if (!series->count) {
    printf("\"%s\": null, ", name);
    return;
  }
  qsort(series->values, series->count, sizeof *series->values, ascending);
  print_number(name, series->values[(long)((series->count - 1) * share)] / unit);
}

static void print_count(const char *name, long value) { printf("\"%s\": %ld, ", name, value); }

static void print_flag(const char *name, bool value) { printf("\"%s\": %s, ", name, value ? "true" : "false"); }

static void report(void) {
  const double us = 1e-6, ms = 1e-3;
  double wall = ended ? ended - began : 1, count = ended ? options.measured : 0, each = ended ? count : 1;
  printf("{");
  print_flag("complete", complete());
  print_flag("client_ended", !client);
  print_number("first_poll_ms", first_poll ? (first_poll - started) / ms : -1);
  print_number("cpu_us", (after.cpu - before.cpu) / each / us);
  print_number("wall_us", wall / each / us);
  print_number("per_second", count / wall);
  print_quantile("p50_us", &latencies, 0.5, us);
  print_quantile("p99_us", &latencies, 0.99, us);
  print_quantile("first_byte_ms", &first_bytes, 0.5, ms);
  print_quantile("transit_ms", &transits, 0.5, ms);
  print_number("mb_per_second", body_bytes / wall / 1e6);
  print_count("pss_kib", after.pss);
  print_count("peak_kib", after.peak);
  print_count("growth_kib", after.peak - before.resident);
  print_count("processes", after.processes);
  print_count("connections", connection_count);
  print_count("bad", bad);
  print_count("errors", errors);
  print_count("init_errors", init_errors);
  print_count("trailers", with_trailers);
  printf("\"answered\": %ld}\n", answered);
}

int main(int count, char **arguments) {
  parse_options(count, arguments);
  load_event();
  Series *all[] = {&latencies, &first_bytes, &transits};
  for (int i = 0; i < 3; i++)
    if (!(all[i]->values = malloc(sizeof(double) * options.measured))) fail("memory");
  for (int i = 0; i < CONNECTIONS; i++) connections[i].fd = -1;
  if (options.processor >= 0) {
    cpu_set_t processors;
    CPU_ZERO(&processors);
    CPU_SET(options.processor, &processors);
    if (sched_setaffinity(0, sizeof processors, &processors)) fail("pinning");
  }
  int listener = listen_on_loopback();
  epoll = epoll_create1(EPOLL_CLOEXEC);
  start_client(arguments + optind);
  serve(listener);
  stop_client();
  report();
  return complete() ? 0 : 1;
}
