/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores are seen one by one by write-protecting the mapped maps: each store faults, is counted,
 * and is let through for the one instruction by single-stepping it. System calls are seen by
 * ptrace.
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
#define PAGE 4096ul

struct region {
	uintptr_t start, end;
};

/* The child's; the parent never arms it. */
static struct {
	bool armed;
	struct region regions[REGIONS_MAX];
	unsigned int count;
	unsigned int stores_left;
	uintptr_t open_page; /* let through for the instruction that is being stepped */
} watch;

bool crash_knows_stores(void)
{
#ifdef __x86_64__
	return true;
#else
	return false;
#endif
}

/*
 * In place of the C library's, for the store's own calls: a shared mapping that may be written is a
 * map. Everything else about it is as asked.
 */
void *mmap(void *addr, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *memory = (void *)syscall(SYS_mmap, addr, length, protection, flags, fd, offset);

	if (!watch.armed || memory == MAP_FAILED || fd < 0 || !(flags & MAP_SHARED) ||
	    !(protection & PROT_WRITE))
		return memory;
	if (watch.count == REGIONS_MAX)
		abort();
	watch.regions[watch.count++] =
		(struct region){(uintptr_t)memory, (uintptr_t)memory + length};
	if (mprotect(memory, length, PROT_READ))
		abort();
	return memory;
}

static bool is_watched(uintptr_t address)
{
	for (unsigned int i = 0; i < watch.count; i++)
		if (address >= watch.regions[i].start && address < watch.regions[i].end)
			return true;
	return false;
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

static void protect(uintptr_t page, int protection)
{
	if (mprotect((void *)page, PAGE, protection))
		abort();
}

static void on_store(int signal, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(PAGE - 1);

	(void)signal;
	if (!is_watched((uintptr_t)info->si_addr))
		abort();
	if (watch.stores_left-- == 0)
		kill(getpid(), SIGKILL);
	/* A store across two pages faults a second time: the first page is opened again then. */
	watch.open_page = page;
	protect(page, PROT_READ | PROT_WRITE);
	set_trap(context, true);
}

static void on_step(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	protect(watch.open_page, PROT_READ);
	set_trap(context, false);
}

static void watch_stores(unsigned int n)
{
	struct sigaction store = {.sa_sigaction = on_store, .sa_flags = SA_SIGINFO};
	struct sigaction step = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};

	watch.armed = true;
	watch.stores_left = n;
	if (sigaction(SIGSEGV, &store, NULL) || sigaction(SIGTRAP, &step, NULL))
		abort();
}

/* Lets the child go from system call to system call until the n-th stop; false when it ended. */
static bool kill_at_syscall(pid_t pid, unsigned int n, int *status)
{
	for (;; n--) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) || waitpid(pid, status, 0) != pid)
			err(1, "trace a child");
		if (!WIFSTOPPED(*status))
			return false;
		if (n == 0)
			break;
	}
	if (kill(pid, SIGKILL) || waitpid(pid, status, 0) != pid)
		err(1, "kill a child");
	return true;
}

bool crash_run(void (*code)(void *data), void *data, enum crash_at at, unsigned int n)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		if (at == CRASH_AT_STORE)
			watch_stores(n);
		else if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			_exit(EXIT_FAILURE);
		code(data);
		_exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, at == CRASH_AT_SYSCALL ? WUNTRACED : 0) != pid)
		err(1, "wait for a child");
	if (at == CRASH_AT_SYSCALL) {
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
			errx(1, "a child does not stop to be traced");
		if (kill_at_syscall(pid, n, &status))
			return true;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
		errx(1, "a child that was to die at point %u ended with status 0x%x", n, status);
	return false;
}
