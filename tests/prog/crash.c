/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores are recorded by write-protecting the mapped maps: each store faults, is let through for
 * the one instruction by single-stepping it, and what it changed is kept. The first n of them over
 * the first content are the maps of a process that died there, without running it n times. System
 * calls are stopped by ptrace.
 */
#include "crash.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define REGIONS_MAX 64
#define STORES_MAX 65536
#define PAGE 4096ul
#define STORE_BYTES_MAX 64 /* of one instruction */
#define OPEN_PAGES_MAX 2   /* a store may lie across two */

/* A mapped map. */
struct region {
	uintptr_t start, end;
	uint8_t *alias; /* the same map, mapped again: stays when the store unmaps its own */
	uint8_t *before;
};

struct store_record {
	uint8_t *alias;
	uint32_t length;
	uint8_t bytes[STORE_BYTES_MAX];
};

struct open_page {
	uintptr_t address;
	uint8_t before[PAGE];
};

/* Signal handlers have nothing but globals. */
static struct {
	bool armed;
	struct region regions[REGIONS_MAX];
	unsigned int region_count;
	struct store_record *stores;
	unsigned int store_count;
	struct open_page open[OPEN_PAGES_MAX]; /* let through for the instruction being stepped */
	unsigned int open_count;
} recording;

bool crash_knows_stores(void)
{
#ifdef __x86_64__
	return true;
#else
	return false;
#endif
}

static void *map_again(int fd, size_t length, off_t offset)
{
	return (void *)syscall(SYS_mmap, NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			       offset);
}

static void watch_region(void *memory, size_t length, int fd, off_t offset)
{
	struct region *region = &recording.regions[recording.region_count++];

	if (recording.region_count > REGIONS_MAX)
		abort();
	*region = (struct region){
		.start = (uintptr_t)memory,
		.end = (uintptr_t)memory + length,
		.alias = map_again(fd, length, offset),
		.before = malloc(length),
	};
	if (region->alias == MAP_FAILED || !region->before || mprotect(memory, length, PROT_READ))
		abort();
	memcpy(region->before, region->alias, length);
}

/*
 * In place of the C library's, for the store's own calls: a shared mapping that may be written is a
 * map.
 */
void *mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *memory = (void *)syscall(SYS_mmap, addr, length, protection, flags, fd, offset);

	if (recording.armed && memory != MAP_FAILED && fd >= 0 && (flags & MAP_SHARED) &&
	    (protection & PROT_WRITE))
		watch_region(memory, length, fd, offset);
	return memory;
}

static struct region *region_of(uintptr_t address)
{
	/* The newest first: an address may have been mapped before. */
	for (unsigned int i = recording.region_count; i-- > 0;)
		if (address >= recording.regions[i].start && address < recording.regions[i].end)
			return &recording.regions[i];
	return NULL;
}

#ifdef __x86_64__
#define TRAP_FLAG 0x100

static void set_trap(void *context, bool on)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	*flags = on ? *flags | TRAP_FLAG : *flags & ~TRAP_FLAG;
}
#else
static void set_trap(void *context, bool on)
{
	(void)context;
	(void)on;
	abort();
}
#endif

static void on_store(int signal, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(PAGE - 1);
	struct open_page *open = &recording.open[recording.open_count++];

	(void)signal;
	if (!region_of(page) || recording.open_count > OPEN_PAGES_MAX)
		abort();
	open->address = page;
	memcpy(open->before, (void *)page, PAGE);
	if (mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE))
		abort();
	set_trap(context, true);
}

/* Keeps what the stepped instruction changed in the page. A store of what was there changes
 * nothing. */
static void keep_store(const struct open_page *open)
{
	const uint8_t *now = (const uint8_t *)open->address;
	const struct region *region = region_of(open->address);
	struct store_record *store = &recording.stores[recording.store_count];
	size_t first = 0, end = PAGE;

	while (first < PAGE && now[first] == open->before[first])
		first++;
	if (first == PAGE)
		return;
	while (now[end - 1] == open->before[end - 1])
		end--;
	if (end - first > STORE_BYTES_MAX || ++recording.store_count == STORES_MAX)
		abort();
	store->alias = region->alias + (open->address - region->start) + first;
	store->length = end - first;
	memcpy(store->bytes, now + first, store->length);
}

static void on_step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	for (unsigned int i = 0; i < recording.open_count; i++) {
		keep_store(&recording.open[i]);
		if (mprotect((void *)recording.open[i].address, PAGE, PROT_READ))
			abort();
	}
	recording.open_count = 0;
	set_trap(context, false);
}

unsigned int crash_record_stores(void (*code)(void *data), void *data)
{
	struct sigaction store = {.sa_sigaction = on_store, .sa_flags = SA_SIGINFO};
	struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
	struct sigaction old_store, old_step;

	recording.stores = calloc(STORES_MAX, sizeof(*recording.stores));
	if (!recording.stores)
		err(1, "record stores");
	if (sigaction(SIGSEGV, &store, &old_store) || sigaction(SIGTRAP, &step, &old_step))
		err(1, "catch stores");
	recording.armed = true;
	code(data);
	recording.armed = false;
	sigaction(SIGSEGV, &old_store, NULL);
	sigaction(SIGTRAP, &old_step, NULL);
	return recording.store_count;
}

void crash_rewind_to(unsigned int n)
{
	for (unsigned int i = 0; i < recording.region_count; i++) {
		const struct region *region = &recording.regions[i];

		memcpy(region->alias, region->before, region->end - region->start);
	}
	for (unsigned int i = 0; i < n; i++)
		memcpy(recording.stores[i].alias, recording.stores[i].bytes,
		       recording.stores[i].length);
}

void crash_forget(void)
{
	for (unsigned int i = 0; i < recording.region_count; i++) {
		struct region *region = &recording.regions[i];

		free(region->before);
		munmap(region->alias, region->end - region->start);
	}
	free(recording.stores);
	memset(&recording, 0, sizeof(recording));
}

static void go_on(pid_t pid, int *status)
{
	if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, status, 0) != pid)
		err(1, "trace a child");
}

static pid_t fork_traced(void (*code)(void *data), void *data)
{
	const pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(EXIT_FAILURE);
		code(data);
		_exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		errx(1, "a child does not stop to be traced");
	/* Or the kernel does not tell what a stop is of. */
	if (ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD))
		err(1, "trace a child");
	return pid;
}

/* False: it came to its end. */
static bool goes_on(pid_t pid, unsigned int n)
{
	int status;

	go_on(pid, &status);
	if (WIFSTOPPED(status))
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
		return false;
	errx(1, "a child that was to die at call %u ended with status 0x%x", n, status);
}

static void end_child(pid_t pid)
{
	int status;

	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		err(1, "kill a child");
}

bool crash_at_syscall(void (*code)(void *data), void *data, unsigned int n)
{
	const pid_t pid = fork_traced(code, data);

	/* The first stop is the entry of a call, or the end of the one it stopped itself with. */
	for (unsigned int stop = 0; stop <= 2 * n + 1; stop++)
		if (!goes_on(pid, n))
			return false;
	end_child(pid);
	return true;
}

bool crash_at_syscall_like(void (*code)(void *data), void *data,
			   bool (*counts)(uint64_t number, const uint64_t arguments[6]),
			   unsigned int n)
{
	const pid_t pid = fork_traced(code, data);
	struct __ptrace_syscall_info info;
	uint64_t arguments[6];

	for (unsigned int met = 0;;) {
		if (!goes_on(pid, n))
			return false;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
			err(1, "ask for a child's system call");
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		memcpy(arguments, info.entry.args, sizeof(arguments));
		if (counts(info.entry.nr, arguments) && met++ == n)
			break;
	}
	end_child(pid);
	return true;
}
