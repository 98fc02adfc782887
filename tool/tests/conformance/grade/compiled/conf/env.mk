# C files, with the options that the course's makefiles have had for ever.
CC := gcc -pipe
CFLAGS := -O1 -fno-builtin -fno-omit-frame-pointer -std=gnu99 -static -Wall -Werror -gstabs -m32
LIBGCC := $(shell $(CC) $(CFLAGS) -print-libgcc-file-name)
SOURCES := $(wildcard user/*.c)
PROGRAMS := $(patsubst %.c,obj/%,$(SOURCES)) obj/user/hello

all:

obj/user/%: user/%.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c -o $@.o $<
	@ld -m elf_i386 -e _start -Ttext 0x800020 -o $@ $@.o $(LIBGCC)

obj/kern/init.o: kern/init.c $(PROGRAMS)
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(INIT_CFLAGS) -c -o $@ $<
