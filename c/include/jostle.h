// The contract between kernel and programs: calls, errors, permissions, the memory map and
// the structures. It is JOS's, and behind it what Jostle has beyond.
//
// The hard thing is that lab 4 and lab 5 number their calls differently from 9 upward. A
// program need not know: the functions in lib.h find out, and so a program runs on either.
// The crate `abi` says the same in Rust; a test compares the two, number by number.

#ifndef JOSTLE_H
#define JOSTLE_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

typedef int32_t envid_t;
typedef uint32_t pte_t;
typedef uint32_t pde_t;

// Calls with the same number on every kernel. Arguments are in edx, ecx, ebx, edi and esi,
// the result is in eax: `int $0x30`.
enum {
	SYS_cputs = 0,
	SYS_cgetc = 1,
	SYS_getenvid = 2,
	SYS_env_destroy = 3,
	SYS_page_alloc = 4,
	SYS_page_map = 5,
	SYS_page_unmap = 6,
	SYS_exofork = 7,
	SYS_env_set_status = 8,
};

// As lab 4 numbers the others.
enum {
	SYS_LAB4_env_set_pgfault_upcall = 9,
	SYS_LAB4_yield = 10,
	SYS_LAB4_ipc_try_send = 11,
	SYS_LAB4_ipc_recv = 12,
};

// As lab 5 and lab 6 do; time_msec is lab 6's.
enum {
	SYS_LAB5_env_set_trapframe = 9,
	SYS_LAB5_env_set_pgfault_upcall = 10,
	SYS_LAB5_yield = 11,
	SYS_LAB5_ipc_try_send = 12,
	SYS_LAB5_ipc_recv = 13,
	SYS_LAB5_time_msec = 14,
};

// Extensions, with the same number everywhere. A JOS kernel answers each with -E_INVAL;
// SYS_features says which there are.
enum {
	SYS_features = 64,
	SYS_ipc_send = 65,
	SYS_sbrk = 66,
	SYS_env_set_personality = 67,
	SYS_job_create = 68,
	SYS_job_destroy = 69,
	SYS_getc = 70,
	SYS_job_size = 71,
	SYS_page_copy = 72,
	SYS_page_ranges = 73,
	SYS_ipc_call = 74,
	SYS_ipc_reply = 75,
	SYS_env_set_exception_upcall = 76,
	SYS_time_usec = 77,
	SYS_env_set_deadline = 78,
	SYS_sleep_until = 79,
	SYS_futex_wait = 80,
	SYS_futex_wake = 81,
	SYS_env_set_scheduling = 82,
	SYS_env_get_state = 83,
	SYS_env_set_state = 84,
	SYS_ipc_recv_from = 85,
};

// Bits of the answer of SYS_features.
enum {
	FEATURE_SYSENTER = 1 << 0,
	FEATURE_IPC_SEND = 1 << 1,
	FEATURE_SBRK = 1 << 2,
	FEATURE_PERSONALITY = 1 << 3,
	FEATURE_JOBS = 1 << 4,
	FEATURE_GETC = 1 << 5,
	FEATURE_PAGES = 1 << 6,
	FEATURE_EXCEPTIONS = 1 << 7,
	FEATURE_CALL = 1 << 8,
	FEATURE_TIME = 1 << 9,
	FEATURE_FUTEX = 1 << 10,
	FEATURE_SCHEDULING = 1 << 11,
	FEATURE_STATE = 1 << 12,
	FEATURE_RECV_FROM = 1 << 13,
};

// Calls return errors negated.
enum {
	E_UNSPECIFIED = 1,
	E_BAD_ENV = 2,       // no such environment, or it is not the caller's to touch
	E_INVAL = 3,
	E_NO_MEM = 4,
	E_NO_FREE_ENV = 5,
	E_FAULT = 6,
	E_IPC_NOT_RECV = 7,  // the target does not receive
	E_EOF = 8,
	E_NO_DISK = 9,
	E_MAX_OPEN = 10,
	E_NOT_FOUND = 11,
	E_BAD_PATH = 12,
	E_FILE_EXISTS = 13,
	E_NOT_EXEC = 14,
	E_NOT_SUPP = 15,
	E_TIMED_OUT = 16,    // the caller's deadline passed while it waited; not JOS's
	MAXERROR
};

// The memory map, from the top.
#define KERNBASE   0xf0000000u
#define ULIM       0xef800000u  // nothing at or above is a program's
#define UVPT       0xef400000u  // one's own page tables, read-only
#define UPAGES     0xef000000u  // a struct PageInfo for each frame, read-only
#define UENVS      0xeec00000u  // a struct Env for each slot, read-only
#define UTOP       UENVS        // from here on a program manages nothing
#define UXSTACKTOP UTOP         // one past the exception stack
#define USTACKTOP  0xeebfe000u  // one past the ordinary stack
#define ARCHIVE    0xc0000000u  // the archive that the system was booted with
#define UTEXT      0x00800000u  // programs are linked here
#define PFTEMP     0x007ff000u  // scratch of the copy-on-write handler
#define UTEMP      0x00400000u  // scratch of libraries
#define USTABDATA  0x00200000u

#define PGSIZE     4096u
#define PGSHIFT    12
#define PTSIZE     0x400000u    // bytes that one page table maps
#define NPTENTRIES 1024
#define NPDENTRIES 1024
#define PDX(va)    ((uint32_t)(va) >> 22)
#define PTX(va)    ((uint32_t)(va) >> PGSHIFT & 0x3ff)
#define PGNUM(va)  ((uint32_t)(va) >> PGSHIFT)
#define PGOFF(va)  ((uint32_t)(va) & 0xfff)
#define PTE_ADDR(entry) ((uint32_t)(entry) & ~0xfffu)

// Bits of an entry of a page table.
#define PTE_P       0x001
#define PTE_W       0x002
#define PTE_U       0x004
#define PTE_PWT     0x008
#define PTE_PCD     0x010
#define PTE_A       0x020
#define PTE_D       0x040
#define PTE_PS      0x080
#define PTE_G       0x100
#define PTE_SHARE   0x400  // a convention of libraries: shared across fork
#define PTE_COW     0x800  // a convention of libraries: copied when it is written
#define PTE_AVAIL   0xe00  // the kernel gives these bits no meaning
#define PTE_SYSCALL 0xe07  // all that a call accepts

// Of a page fault's error code.
#define FEC_PR 1  // the page is mapped, and its rights were violated
#define FEC_WR 2  // it was a write
#define FEC_U  4  // in user mode

// Registers in the order of `pushal`.
struct PushRegs {
	uint32_t reg_edi;
	uint32_t reg_esi;
	uint32_t reg_ebp;
	uint32_t reg_oesp;
	uint32_t reg_ebx;
	uint32_t reg_edx;
	uint32_t reg_ecx;
	uint32_t reg_eax;
};

// What a trap from user mode saves.
struct Trapframe {
	struct PushRegs tf_regs;
	uint32_t tf_es;
	uint32_t tf_ds;
	uint32_t tf_trapno;
	uint32_t tf_err;
	uint32_t tf_eip;
	uint32_t tf_cs;
	uint32_t tf_eflags;
	uint32_t tf_esp;
	uint32_t tf_ss;
};

// What a page-fault handler gets.
struct UTrapframe {
	uint32_t utf_fault_va;
	uint32_t utf_err;
	struct PushRegs utf_regs;
	uint32_t utf_eip;
	uint32_t utf_eflags;
	uint32_t utf_esp;
};

// What an exception handler gets: see docs/system-calls.md.
struct ExceptionFrame {
	struct UTrapframe ef_fault;
	uint32_t ef_vector;
};

enum {
	ENV_FREE = 0,
	ENV_DYING = 1,
	ENV_RUNNABLE = 2,
	ENV_RUNNING = 3,
	ENV_NOT_RUNNABLE = 4,
};

enum EnvType {
	ENV_TYPE_USER = 0,
	ENV_TYPE_FS = 1,
	ENV_TYPE_NS = 2,
};

#define NENV 1024
#define ENVX(id) ((id) & (NENV - 1))

// An environment as programs see it, at UENVS.
struct Env {
	struct Trapframe env_tf;      // shown only while it has never run
	uint32_t env_link;            // 0
	envid_t env_id;
	envid_t env_parent_id;
	uint32_t env_type;            // an enum EnvType
	uint32_t env_status;
	uint32_t env_runs;
	uint32_t env_cpunum;          // the CPU that it was last on
	uint32_t env_pgdir;           // 0
	uint32_t env_pgfault_upcall;
	uint32_t env_ipc_recving;
	uint32_t env_ipc_dstva;
	uint32_t env_ipc_value;
	envid_t env_ipc_from;
	uint32_t env_ipc_perm;
};

// A frame as programs see it, at UPAGES.
struct PageInfo {
	uint32_t pp_link;  // 0
	uint16_t pp_ref;
	uint16_t pp_pad;
};

// An entry of the list of SYS_page_ranges: see docs/system-calls.md.
struct PageRange {
	uint32_t pr_action;
	envid_t pr_source;
	uint32_t pr_source_va;
	envid_t pr_target;
	uint32_t pr_target_va;
	uint32_t pr_pages;
	uint16_t pr_any;
	uint16_t pr_none;
	uint16_t pr_clear;
	uint16_t pr_set;
	uint32_t pr_done;
	int32_t pr_result;
};

#define RANGE_SHARE 0
#define RANGE_COPY  1
#define RANGE_ALLOC 2
#define RANGE_UNMAP 3
#define RANGE_BOTH  0x100
#define RANGE_REST  0x200
#define RANGE_MAX   32  // entries of a list

// Bit of the argument `place` of SYS_ipc_call and SYS_ipc_reply: a page is wanted.
#define WANTS_PAGE 8

// A stopped environment, for SYS_env_get_state: see docs/system-calls.md.
struct EnvState {
	struct Trapframe es_frame;
	uint32_t es_pending;
	uint32_t es_printed;
	uint32_t es_upcall;
	uint32_t es_exception_entry;
	uint32_t es_exception_mask;
	uint32_t es_heap_start;
	uint32_t es_heap_end;
	uint32_t es_personality;
	uint32_t es_env_type;
	uint32_t es_dstva;
	uint32_t es_value;
	envid_t es_from;
	uint32_t es_perm;
	uint32_t es_float_format;
	uint32_t es_reserved;
	uint32_t es_float[128];
};

#endif
