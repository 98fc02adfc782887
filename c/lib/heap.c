// malloc: the first free block that is large enough.
//
// The heap begins where the program ends, and grows by fresh pages, which every kernel has.
// Free blocks are a list in the order of their addresses, so neighbours are joined when one
// is freed. The hard thing is to fail well: where there are no more pages, malloc returns 0
// and the heap is as it was.

#include <lib.h>

// Where the heap ends at the latest.
#define LIMIT 0x80000000u
// Blocks and what is in them begin at multiples of this.
#define UNIT 16

// What stands before each block.
struct Block {
	size_t size;         // with this header
	struct Block *next;  // of the free ones
	uint32_t unused[2];
};

_Static_assert(sizeof(struct Block) == UNIT, "what is behind it is aligned");

// One past the program; the linker knows it.
extern char end[];

static struct Block *free_blocks;
// Where the next fresh page goes.
static uint32_t top;

// Puts a block among the free ones, and joins it with its neighbours.
static void
put_back(struct Block *block)
{
	struct Block *before = 0, *after = free_blocks;
	while (after && after < block) {
		before = after;
		after = after->next;
	}
	block->next = after;
	if (before)
		before->next = block;
	else
		free_blocks = block;
	if (after && (char *) block + block->size == (char *) after) {
		block->size += after->size;
		block->next = after->next;
	}
	if (before && (char *) before + before->size == (char *) block) {
		before->size += block->size;
		before->next = block->next;
	}
}

// Maps pages for a block of this size. If one cannot be had, those that were are unmapped.
static bool
grow(size_t size)
{
	if (!top)
		top = ROUNDUP((uint32_t) end, PGSIZE);
	size = ROUNDUP(size, PGSIZE);
	if (size > LIMIT - top)
		return false;
	for (uint32_t va = top; va < top + size; va += PGSIZE) {
		if (sys_page_alloc(0, (void *) va, PTE_P | PTE_U | PTE_W) >= 0)
			continue;
		while (va > top) {
			va -= PGSIZE;
			sys_page_unmap(0, (void *) va);
		}
		return false;
	}
	struct Block *block = (struct Block *) top;
	block->size = size;
	top += size;
	put_back(block);
	return true;
}

// Takes a block of this size out of the first that is large enough.
static struct Block *
take(size_t size)
{
	struct Block **link = &free_blocks;
	while (*link && (*link)->size < size)
		link = &(*link)->next;
	struct Block *block = *link;
	if (!block)
		return 0;
	if (block->size - size >= 2 * UNIT) {
		struct Block *rest = (struct Block *) ((char *) block + size);
		rest->size = block->size - size;
		rest->next = block->next;
		block->size = size;
		*link = rest;
	} else {
		*link = block->next;
	}
	return block;
}

void *
malloc(size_t size)
{
	if (size > LIMIT)
		return 0;
	size = ROUNDUP(size + sizeof(struct Block), UNIT);
	struct Block *block = take(size);
	if (!block && grow(size))
		block = take(size);
	return block ? block + 1 : 0;
}

void
free(void *memory)
{
	if (memory)
		put_back((struct Block *) memory - 1);
}

void *
calloc(size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return 0;
	void *memory = malloc(count * size);
	if (memory)
		memset(memory, 0, count * size);
	return memory;
}

void *
realloc(void *memory, size_t size)
{
	if (!memory)
		return malloc(size);
	struct Block *block = (struct Block *) memory - 1;
	size_t has = block->size - sizeof(struct Block);
	if (size <= has)
		return memory;
	void *larger = malloc(size);
	if (larger) {
		memcpy(larger, memory, has);
		free(memory);
	}
	return larger;
}
