// Text with values in it.
//
// Text is gathered and handed to the kernel by one call for each 255 bytes, and the kernel
// does not mix what came in one call with anything else. The hard thing: there is no buffer
// between calls of cprintf, or a fork would print what is in it twice.

#include <lib.h>

// Where text goes: to memory, or if `is_console`, from memory to the kernel when it is full.
struct Out {
	char *text;
	size_t size;
	size_t used;
	int count;  // bytes in all
	bool is_console;
};

static void
flush(struct Out *out)
{
	if (out->used > 0)
		sys_cputs(out->text, out->used);
	out->used = 0;
}

static void
put(struct Out *out, char byte)
{
	out->count++;
	if (out->is_console && out->used == out->size)
		flush(out);
	if (out->used < out->size)
		out->text[out->used++] = byte;
}

static void
put_many(struct Out *out, char byte, int times)
{
	while (times-- > 0)
		put(out, byte);
}

// What stands between % and the letter.
struct Form {
	int width;
	int precision;  // -1: none
	bool left;
	char pad;
};

static void
put_text(struct Out *out, const char *text, const struct Form *form)
{
	if (!text)
		text = "(null)";
	size_t length = form->precision < 0 ? strlen(text) : strnlen(text, form->precision);
	int room = form->width - (int) length;
	if (!form->left)
		put_many(out, ' ', room);
	for (size_t index = 0; index < length; index++)
		put(out, text[index]);
	if (form->left)
		put_many(out, ' ', room);
}

static void
put_number(struct Out *out, uint64_t value, unsigned base, bool negative,
           const struct Form *form)
{
	char digits[24];
	int length = 0;
	do {
		digits[length++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	int room = form->width - length - negative;
	if (!form->left && form->pad == ' ')
		put_many(out, ' ', room);
	if (negative)
		put(out, '-');
	if (!form->left && form->pad == '0')
		put_many(out, '0', room);
	while (length > 0)
		put(out, digits[--length]);
	if (form->left)
		put_many(out, ' ', room);
}

// Reads the digits of a number, or takes it from the arguments.
static int
number(const char **format, va_list *arguments)
{
	int value = 0;
	if (**format == '*') {
		++*format;
		return va_arg(*arguments, int);
	}
	while (**format >= '0' && **format <= '9')
		value = 10 * value + *(*format)++ - '0';
	return value;
}

// Writes one value; `format` is behind the %, and goes on behind the letter.
static void
put_value(struct Out *out, const char **format, va_list *arguments)
{
	struct Form form = { .width = 0, .precision = -1, .left = false, .pad = ' ' };
	for (; **format == '-' || **format == '0'; ++*format) {
		if (**format == '-')
			form.left = true;
		else
			form.pad = '0';
	}
	form.width = number(format, arguments);
	if (form.width < 0) {
		form.left = true;
		form.width = -form.width;
	}
	if (**format == '.') {
		++*format;
		form.precision = number(format, arguments);
	}
	int longs = 0;
	for (; **format == 'l'; ++*format)
		longs++;
	char letter = **format;
	if (letter)
		++*format;
	switch (letter) {
	case 'd':
	case 'i': {
		int64_t value = longs > 1 ? va_arg(*arguments, int64_t) : va_arg(*arguments, int);
		uint64_t size = value < 0 ? -(uint64_t) value : (uint64_t) value;
		put_number(out, size, 10, value < 0, &form);
		return;
	}
	case 'u':
	case 'x':
	case 'o': {
		uint64_t value = longs > 1 ? va_arg(*arguments, uint64_t)
		                           : va_arg(*arguments, uint32_t);
		put_number(out, value, letter == 'u' ? 10 : letter == 'x' ? 16 : 8, false, &form);
		return;
	}
	case 'p':
		put(out, '0');
		put(out, 'x');
		put_number(out, va_arg(*arguments, uint32_t), 16, false, &form);
		return;
	case 'c': {
		char text[2] = { (char) va_arg(*arguments, int), 0 };
		form.precision = 1;
		if (text[0])
			put_text(out, text, &form);
		else
			put(out, 0);
		return;
	}
	case 's':
		put_text(out, va_arg(*arguments, const char *), &form);
		return;
	case 'e':
		put_text(out, error_text(va_arg(*arguments, int)), &form);
		return;
	case '%':
		put(out, '%');
		return;
	default:
		// Not ours: shown as it is.
		put(out, '%');
		if (letter)
			put(out, letter);
	}
}

static void
put_all(struct Out *out, const char *format, va_list given)
{
	va_list arguments;
	va_copy(arguments, given);
	while (*format) {
		char byte = *format++;
		if (byte == '%')
			put_value(out, &format, &arguments);
		else
			put(out, byte);
	}
	va_end(arguments);
}

int
vcprintf(const char *format, va_list arguments)
{
	char buffer[255];
	struct Out out = { buffer, sizeof buffer, 0, 0, true };
	put_all(&out, format, arguments);
	flush(&out);
	return out.count;
}

int
cprintf(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int count = vcprintf(format, arguments);
	va_end(arguments);
	return count;
}

int
vsnprintf(char *text, size_t size, const char *format, va_list arguments)
{
	struct Out out = { text, size ? size - 1 : 0, 0, 0, false };
	put_all(&out, format, arguments);
	if (size)
		text[out.used] = 0;
	return out.count;
}

int
snprintf(char *text, size_t size, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int count = vsnprintf(text, size, format, arguments);
	va_end(arguments);
	return count;
}

const char *
error_text(int error)
{
	static const char *const texts[MAXERROR] = {
		[E_UNSPECIFIED] = "unspecified error",
		[E_BAD_ENV] = "bad environment",
		[E_INVAL] = "invalid parameter",
		[E_NO_MEM] = "out of memory",
		[E_NO_FREE_ENV] = "out of environments",
		[E_FAULT] = "segmentation fault",
		[E_IPC_NOT_RECV] = "env is not recving",
		[E_EOF] = "unexpected end of file",
		[E_NO_DISK] = "no free space on disk",
		[E_MAX_OPEN] = "too many files are open",
		[E_NOT_FOUND] = "file or block not found",
		[E_BAD_PATH] = "invalid path",
		[E_FILE_EXISTS] = "file already exists",
		[E_NOT_EXEC] = "file is not a valid executable",
		[E_NOT_SUPP] = "operation not supported",
		[E_TIMED_OUT] = "timed out",
	};
	int value = error < 0 ? -error : error;
	if (value > 0 && value < MAXERROR)
		return texts[value];
	return value ? "unknown error" : "no error";
}
