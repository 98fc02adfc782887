# Where another CPU begins: real mode, at physical 0x7000, nothing set up.
#
# These instructions are linked high with the kernel and copied down. The hard
# thing is that they run at another address than they are linked for, and in
# 16-bit code there is no position-independent addressing; so every reference
# is written as (label - trampoline + 0x7000).

.set KERNBASE, {kernbase}

.text
.balign 16
.globl trampoline
.globl trampoline_end
.code16
trampoline:
    cli
    cld
    xor ax, ax
    mov ds, ax
    lgdt [table_below]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0xea                          # jmp 0x08:protected
    .word protected - trampoline + {page}
    .word 8
.code32
protected:
    mov ax, 16
    mov ds, ax
    mov es, ax
    mov ss, ax
    mov eax, {cr4_pse}
    mov cr4, eax
    mov eax, offset {pgdir} - KERNBASE
    mov cr3, eax
    mov eax, {cr0}
    mov cr0, eax
    mov eax, offset ap_high             # absolute: the kernel's own address
    jmp eax
    .balign 8
trampoline_descriptors:
    .quad 0
    .quad 0x00cf9a000000ffff            # code
    .quad 0x00cf92000000ffff            # data
trampoline_table:
    .word 23
    .long trampoline_descriptors - trampoline + {page}
trampoline_end:
.set table_below, trampoline_table - trampoline + {page}

# High again. The stack that CPU 0 laid out is also the ticket: a CPU that comes
# too late finds that CPU 0 has taken it back, and stops.
ap_high:
    xor eax, eax
    xchg eax, [{ticket}]
    test eax, eax
    jz 1f
    mov esp, eax
    xor ebp, ebp                        # where a backtrace ends
    call {ap_main}
1:  lidt [park_table]                   # an NMI must find a handler
    mov esp, offset {park_stack} + 64
2:  cli
    hlt
    jmp 2b
park_table:
    .word 256 * 8 - 1
    .long {interrupts}
