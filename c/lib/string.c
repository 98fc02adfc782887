// Bytes and text.
//
// The hard thing: a compiler that sees a loop which copies makes a call of memcpy of it, and
// in memcpy that never ends. So the four functions that compilers call are string
// instructions.

#include <lib.h>

void *
memset(void *to, int byte, size_t size)
{
	void *place = to;
	asm volatile("rep stosb" : "+D" (place), "+c" (size) : "a" (byte) : "memory");
	return to;
}

void *
memcpy(void *to, const void *from, size_t size)
{
	void *place = to;
	size_t words = size / 4, rest = size % 4;
	asm volatile("rep movsl\n\tmovl %3, %%ecx\n\trep movsb"
	             : "+D" (place), "+S" (from), "+c" (words)
	             : "r" (rest)
	             : "memory");
	return to;
}

void *
memmove(void *to, const void *from, size_t size)
{
	if ((uint32_t) to - (uint32_t) from >= size)
		return memcpy(to, from, size);
	// `to` lies within `from`: from the end.
	char *last_to = (char *) to + size - 1;
	const char *last_from = (const char *) from + size - 1;
	asm volatile("std\n\trep movsb\n\tcld"
	             : "+D" (last_to), "+S" (last_from), "+c" (size)
	             :
	             : "memory", "cc");
	return to;
}

int
memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *one = a, *other = b;
	for (size_t index = 0; index < size; index++)
		if (one[index] != other[index])
			return one[index] - other[index];
	return 0;
}

size_t
strlen(const char *text)
{
	return strnlen(text, SIZE_MAX);
}

size_t
strnlen(const char *text, size_t most)
{
	size_t length = 0;
	while (length < most && text[length])
		length++;
	return length;
}

char *
strcpy(char *to, const char *from)
{
	return memcpy(to, from, strlen(from) + 1);
}

size_t
strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);
	if (size > 0) {
		size_t fits = length < size ? length : size - 1;
		memcpy(to, from, fits);
		to[fits] = 0;
	}
	return length;
}

char *
strcat(char *to, const char *from)
{
	strcpy(to + strlen(to), from);
	return to;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int
strncmp(const char *a, const char *b, size_t most)
{
	for (; most > 0; most--, a++, b++)
		if (*a != *b || !*a)
			return (uint8_t) *a - (uint8_t) *b;
	return 0;
}

char *
strchr(const char *text, int byte)
{
	for (;; text++) {
		if (*text == (char) byte)
			return (char *) text;
		if (!*text)
			return 0;
	}
}

static int
digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'z')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'Z')
		return byte - 'A' + 10;
	return 99;
}

// Beyond what a long holds, the result is as the machine adds.
long
strtol(const char *text, char **end, int base)
{
	while (*text == ' ' || *text == '\t' || *text == '\n')
		text++;
	bool negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X')
		&& digit(text[2]) < 16;
	if ((base == 0 || base == 16) && hexadecimal) {
		text += 2;
		base = 16;
	} else if (base == 0) {
		base = *text == '0' ? 8 : 10;
	}
	unsigned long value = 0;
	for (; digit(*text) < base; text++)
		value = value * base + digit(*text);
	if (end)
		*end = (char *) text;
	return negative ? -value : value;
}
