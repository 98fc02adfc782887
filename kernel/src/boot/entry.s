# The first instructions: from what a multiboot 1 loader leaves (protected mode,
# no paging, eax = magic, ebx = boot information) to Rust, high, on CPU 0's
# kernel stack. The hard thing: until the jump, every symbol must be turned into
# its physical address by subtracting KERNBASE.

.set KERNBASE, {kernbase}
.set UART, 0x3f8

.section .multiboot, "ax"
.align 4
.long 0x1BADB002, 3, -(0x1BADB002 + 3)  # want modules page aligned, memory sizes

.section .text.entry, "ax"
.globl entry
entry:
    cld
    mov ebp, eax
    mov esi, ebx
    mov esp, offset {stack} - KERNBASE + {stack_size}

    # Refuse a processor that cannot run us, before the first instruction that
    # it lacks: it has no CPUID, or CPUID does not list what we need.
    pushfd
    mov eax, [esp]
    xor dword ptr [esp], 0x200000
    popfd
    pushfd
    pop ecx
    cmp eax, ecx
    je refuse
    mov eax, 1
    cpuid
    and edx, {required}
    cmp edx, {required}
    jne refuse
    mov eax, 0x80000000                 # an earlier system may have asked for
    cpuid                               # 64-bit mode: paging would not be ours
    cmp eax, 0x80000001
    jb 1f
    mov eax, 0x80000001
    cpuid
    test edx, {uses_efer}
    jz 1f
    mov ecx, {efer}
    xor eax, eax
    xor edx, edx
    wrmsr
1:  rdtsc
    mov ebx, eax                        # ebx, edx: time of entry

    # Zero .bss; not every loader does.
    mov edi, offset edata - KERNBASE
    mov ecx, offset end - KERNBASE
    sub ecx, edi
    shr ecx, 2
    xor eax, eax
    rep stosd

    # Physical memory at 0 and at KERNBASE, in 4 MiB pages.
    mov edi, offset {pgdir} - KERNBASE
    mov eax, 0x83                       # present, writeable, 4 MiB
1:  mov [edi], eax
    mov [edi + (KERNBASE >> 22) * 4], eax
    add edi, 4
    add eax, 0x400000
    cmp eax, {window}
    jb 1b

    # Map CPU 0's stack where it will stay.
    mov edi, offset {stack_table} - KERNBASE + 0x1000 - {stack_size} / 0x400
    mov eax, offset {stack} - KERNBASE + 3
2:  mov [edi], eax
    add edi, 4
    add eax, 0x1000
    test edi, 0xfff
    jnz 2b
    mov dword ptr [{pgdir} - KERNBASE + ((KERNBASE - 1) >> 22) * 4], offset {stack_table} - KERNBASE + 3

    # Clear whatever else was left on in CR4, other paging modes included.
    mov eax, {cr4_pse}
    mov cr4, eax
    mov eax, offset {pgdir} - KERNBASE
    mov cr3, eax
    mov eax, {cr0}
    mov cr0, eax
    mov eax, offset high
    jmp eax
high:
    mov esp, KERNBASE - {frame_size}    # above it: the trap frame
    mov ecx, ebp
    xor ebp, ebp                        # where a backtrace ends
    push edx
    push ebx
    push esi
    push ecx
    call {main}

# Prints a line on the first serial port and stops, with the verdict of a panic.
# No paging, no stack needed.
refuse:
    mov esi, offset refusal - KERNBASE
3:  mov dx, UART + 5
4:  in al, dx
    test al, 0x20
    jz 4b
    lodsb
    test al, al
    jz 5f
    mov dx, UART
    out dx, al
    jmp 3b
5:  mov dx, {debug_exit}
    mov al, {verdict}
    out dx, al
6:  cli
    hlt
    jmp 6b

.section .rodata
refusal:
    .asciz "This processor lacks one of CPUID, x87, PSE, TSC, MSR, APIC, or it is switched off: cannot run.\n"
.text
