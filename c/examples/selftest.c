// Tests the library: text, numbers, the heap, copies on write.

#include <lib.h>

#define check(it) do { if (!(it)) panic("wrong: %s", #it); } while (0)

static void
text(void)
{
	char line[100];
	check(snprintf(line, sizeof line, "%d|%5d|%-5d|%05d|%x", -1, 2, 3, -4, 0xab) == 23);
	check(strcmp(line, "-1|    2|3    |-0004|ab") == 0);
	snprintf(line, sizeof line, "%s|%.2s|%4s|%c|%%|%e", "a", "bcd", "e", 'f', -E_NO_MEM);
	check(strcmp(line, "a|bc|   e|f|%|out of memory") == 0);
	snprintf(line, sizeof line, "%lld|%llu|%llx|%p", INT64_MIN, UINT64_MAX, 1ull << 40, text);
	check(strncmp(line, "-9223372036854775808|18446744073709551615|10000000000|0x", 55) == 0);
	check(snprintf(line, 3, "abcdef") == 6 && strcmp(line, "ab") == 0);
	memcpy(line, "0123456789", 11);
	memmove(line + 2, line, 8);
	check(memcmp(line, "0101234567", 11) == 0);
	memmove(line, line + 2, 8);
	check(memcmp(line, "0123456767", 11) == 0);
	memset(line + 1, 'x', 3);
	check(strcmp(line, "0xxx456767") == 0);
	check(strlcpy(line, "long", 3) == 4 && strcmp(line, "lo") == 0);
	check(strchr(line, 'o') == line + 1 && !strchr(line, 'x') && *strchr(line, 0) == 0);
	char *end;
	check(strtol(" -12z", &end, 10) == -12 && *end == 'z');
	check(strtol("0x1f", 0, 0) == 31 && strtol("017", 0, 0) == 15);
}

static void
numbers(void)
{
	volatile int64_t big = -1234567890123456789, small = 1000;
	check(big / small == -1234567890123456 && big % small == -789);
	volatile uint64_t all = UINT64_MAX, half = 1ull << 63;
	check(all / half == 1 && all % half == half - 1);
}

static void
heap(void)
{
	char *blocks[50], *start = 0;
	for (int round = 0; round < 3; round++) {
		for (int index = 0; index < 50; index++) {
			blocks[index] = malloc(index * 97);
			check(blocks[index] && (uint32_t) blocks[index] % 16 == 0);
			memset(blocks[index], index, index * 97);
		}
		for (int index = 0; index < 50; index += 2)
			free(blocks[index]);
		for (int index = 0; index < 50; index += 2) {
			blocks[index] = calloc(97, index);
			check(index == 0 || blocks[index][97 * index - 1] == 0);
		}
		for (int index = 1; index < 50; index += 2) {
			blocks[index] = realloc(blocks[index], 9000);
			check(blocks[index] && blocks[index][0] == index);
			check(blocks[index][97 * index - 1] == index);
		}
		for (int index = 0; index < 50; index++)
			free(blocks[index]);
		// All of it is one block again.
		char *whole = malloc(250000);
		check(whole && (!start || whole == start));
		start = whole;
		free(whole);
	}
	check(!malloc(0xfffffff0u) && !calloc(0x10001, 0x10001));
}

static int shared = 1;

static void
copies(void)
{
	int here = 1;
	envid_t parent = sys_getenvid();
	envid_t child = fork();
	check(child >= 0);
	if (child == 0) {
		check(thisenv->env_parent_id == parent && shared == 1 && here == 1);
		shared = here = 2;
		ipc_send(parent, shared + here, 0, 0);
		exit();
	}
	envid_t from;
	check(ipc_recv(&from, 0, 0) == 4 && from == child);
	check(shared == 1 && here == 1);
}

int
main(int argc, char **argv)
{
	text();
	numbers();
	heap();
	copies();
	cprintf("all is well\n");
	return 0;
}
