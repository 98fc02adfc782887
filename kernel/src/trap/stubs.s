# From the processor into Rust, and back.
#
# Everything that enters from user mode builds the 68-byte trap frame at the
# top of this CPU's stack and calls a Rust function with the frame's
# address; what comes back in eax says how to leave: {exit_frame}, {exit_fast},
# {exit_idle} or {exit_again}. The hard thing is that nothing here may fault or trust a
# register that the user set. So every way in loads ds and es and known flags before
# Rust runs: DF would make string instructions run backwards, AC would switch SMAP
# off, and sysenter leaves even TF and NT as the user set them.
#
# The kernel runs with the user's data selector in ds and es: the segment is flat,
# and a return need not reload them. The frame holds the selector already, as ss:
# ring 3 can have no other there.

.set FRAME, 68
.set ABOVE, {above_frame}               # unused, so that the frame is 16-byte aligned

# 32 bits each. Written as bytes, because the assembler takes "push ds" for a
# 16-bit push.
.macro push_segments
    .byte 0x1e, 0x06                    # ds, es
.endm
.macro pop_segments
    .byte 0x07, 0x1f                    # es, ds
.endm

# Known segments and flags, with esp at the frame. No flag stays set but the one
# that always is.
.macro be_in_kernel
    mov ds, word ptr [esp + FRAME - 4]
    mov es, word ptr [esp + FRAME - 4]
    push {flag_one}
    popfd
.endm

.set USER_CODE, {user_code}
.set USER_DATA, {user_data}

# What a debugger must know to go on from the kernel's functions to the program
# in the frame: where the registers are while esp is at the frame. This must hold
# from the call to the end of the instruction after it.
.cfi_sections .debug_frame
.macro begin_at_frame
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa esp, 0
    .cfi_offset edi, 0
    .cfi_offset esi, 4
    .cfi_offset ebp, 8
    .cfi_offset ebx, 16
    .cfi_offset edx, 20
    .cfi_offset ecx, 24
    .cfi_offset eax, 28
    .cfi_offset eip, 48
    .cfi_offset esp, 60
.endm

# Calls the function of a table for the number in eax. A number beyond the table may get
# any of them, since all look at the number in the frame. What begins at the frame ends
# behind this.
.macro call_by_number table
    mov ecx, esp
    begin_at_frame
    and eax, {numbers} - 1
    call [\table + eax * 4]
.endm

# A stub for each vector below 52, every 16 bytes: an error code where the
# processor pushes none, the vector, the common path.
.text
.balign 16
.globl trap_stubs
trap_stubs:
.set vector, 0
.rept 52
    .balign 16
    .if (vector != 8) && (vector != 10) && (vector != 11) && (vector != 12) && (vector != 13) && (vector != 14) && (vector != 17)
    push 0
    .endif
    push vector
    .if vector == 1
    jmp debug
    .else
    jmp common
    .endif
    .set vector, vector + 1
.endr
    .balign 16
.globl ipi_stub
ipi_stub:
    push 0
    push {ipi}
    jmp common

# How deep a trap left the stack says where it came from: from user mode there
# are seven words below where it begins, from anywhere else more or less.
.set FROM_USER, 0x10000 - ABOVE - 7 * 4

    .balign 16
debug:
    cmp sp, FROM_USER
    jne debug_elsewhere
common:
    cmp sp, FROM_USER
    jne elsewhere
from_user:
    push_segments
    pushad
    be_in_kernel
    mov ecx, esp
    begin_at_frame
    call {trap}
leave:
    test eax, eax
    .cfi_endproc
    jnz idle                            # never fast: only fast_syscall says so
leave_by_frame:
    popad
    pop_segments
    add esp, 8                          # vector and error code
    iretd

# int 0x30: the general path, without the tests that it does not need. getenvid, if it
# is answered before the lock, is answered here: esp is five words below the stack's
# top, and the answer is a word of this stack. (From virtual-8086 mode, see below, it
# would be another word of it.)
    .balign 16
.globl syscall_stub
syscall_stub:
    cmp eax, {getenvid}
    jne 1f
    cmp byte ptr ss:[{answers}], 0
    je 1f
    mov eax, [esp + 5 * 4 - {env_depth}]
    iretd
1:  push 0
    push {syscall}
    cmp sp, FROM_USER
    jne elsewhere
    push_segments
    pushad
    be_in_kernel
    call_by_number {by_int}
    test eax, eax
    .cfi_endproc
    jz leave_by_frame
idle:
    # Wait below the frame's place. An interrupt here does not return.
    xor ebp, ebp
    cmp eax, {exit_again}
    je 1f
    sti
idle_wait:
    hlt
    jmp idle_wait
    # Work is left: let a pending interrupt in; if there is none, enter again.
1:  sti                                 # takes effect after the next instruction
    nop
    cli
idle_woken:
    mov ecx, esp
    or ecx, 0xffff
    sub ecx, ABOVE + FRAME - 1          # the frame's place
    mov esp, ecx
    call {idle_again}
    jmp leave

# sysenter: esp is this CPU's stack top, and nothing else is known. eax is the
# number, edx ecx ebx edi are arguments, esi is the return address and ebp the
# return stack.
    .balign 16
.globl sysenter_stub
sysenter_stub:
    cmp eax, {getenvid}
sysenter_second:
    jne 1f
    cmp byte ptr ss:[{answers}], 0
    je 1f
    mov eax, [esp - {env_depth}]        # as for int 0x30; no flag was changed, but
    mov edx, esi                        # those that the comparison sets
    mov ecx, ebp
    sti
sysenter_answered:
    sysexit
1:  push USER_DATA                      # ss
    push ebp                            # esp
    pushfd
    or dword ptr [esp], {flag_if}       # users always run with interrupts on
sysenter_flags_saved:
    and dword ptr [esp], {user_flags}   # and without I/O privilege: the core gives
                                        # a file server its own back
    push USER_CODE                      # cs
    push esi                            # eip
    push 0
    push {syscall}
    push USER_DATA                      # ds
    push USER_DATA                      # es
    pushad
    be_in_kernel
    call_by_number {by_sysenter}
    cmp eax, {exit_fast}
    .cfi_endproc
    jne 1f
    popad
    mov edx, [esp + 16]                 # eip
    mov ecx, [esp + 28]                 # esp
    sti                                 # takes effect after sysexit,
sysenter_exit:                          # or here, if an NMI comes between
    sysexit
1:  jb leave_by_frame
    jmp idle

# A debug exception, but not in user mode. sysenter does not clear TF, so a user that
# single-steps it traps at the first instruction of the stub above (emulators)
# or at the second (processors). Nothing was pushed; go on behind the push of the
# flags, with those that the exception saved, TF among them, and with TF off.
debug_elsewhere:
    cmp dword ptr [esp + 8], offset sysenter_stub
    je 1f
    cmp dword ptr [esp + 8], offset sysenter_second
    jne elsewhere
1:  # From the stack top down: flags, cs, eip, error code, vector.
    add esp, 8                          # at eip
    push [esp + 8]
    mov dword ptr [esp + 12], USER_DATA # ss
    mov [esp + 8], ebp                  # esp
    pop [esp]                           # flags, over eip
    or dword ptr [esp], {flag_if}
    jmp sysenter_flags_saved

# Not from ordinary user mode. Virtual-8086 mode should be out of reach for every
# program, but some emulators' iret lets a program enter it. Make the frame that
# ordinary user mode would have left, without the four segments on top.
elsewhere:
    test byte ptr [esp + 18], {flag_vm} >> 16
    jz from_kernel
    .set word, 24
    .rept 7
    push [esp + word]
    pop [esp + word + 16]
    .set word, word - 4
    .endr
    add esp, 16
    mov dword ptr [esp + 12], USER_CODE
    mov dword ptr [esp + 16], {flag_one} | {flag_if}
    mov dword ptr [esp + 24], USER_DATA
    jmp from_user

# Ring 0. Normal for an idle CPU: it has nothing to return to, so its interrupt
# is handled like one from user mode. Anything else is a kernel bug.
from_kernel:
    cmp dword ptr [esp + 8], offset sysenter_exit
    je 2f
    cmp dword ptr [esp + 8], offset sysenter_answered
    je 3f
    cmp dword ptr [esp + 8], offset idle_wait
    jb 1f
    cmp dword ptr [esp + 8], offset idle_woken
    ja 1f
    mov edx, [esp]                      # vector
    mov ecx, esp
    or ecx, 0xffff
    sub ecx, ABOVE + FRAME - 1          # the frame's place
    mov esp, ecx
    call {idle_interrupt}
    jmp leave
1:  push_segments
    pushad
    mov ecx, USER_DATA
    mov ds, ecx
    mov es, ecx
    cld
    mov ecx, esp
    and esp, -16
    call {kernel_trap}
    ud2
# Between sti and sysexit, as good as in user mode: the registers are the user's,
# and the frame's last words still stand above the stack pointer. Vector and error
# code go below them.
2:  push [esp + 4]
    pop [esp + 32]
    push [esp]
    pop [esp + 28]
    add esp, 28
    jmp from_user
# The same, with no frame above. From the stack top down: flags, cs, eip, error code,
# vector; ss and esp go above them.
3:  push [esp + 4]                      # error code
    push [esp + 4]                      # vector
    mov [esp + 8], edx                  # eip
    mov dword ptr [esp + 12], USER_CODE
    push [esp + 24]
    pop [esp + 16]                      # flags; esp is back for the address
    mov [esp + 20], ecx                 # esp
    mov dword ptr [esp + 24], USER_DATA # ss
    jmp from_user

# Touches no lock, no kernel state and no segment but ss; halts if another CPU
# has panicked. Also catches a program in virtual-8086 mode that has turned
# interrupts off, which should be impossible.
    .balign 16
.globl nmi_stub
nmi_stub:
    cmp byte ptr ss:[{panicking}], {nobody}
    jne 2f
    test byte ptr [esp + 10], {flag_vm} >> 16
    jz 1f
    test byte ptr [esp + 9], {flag_if} >> 8
    jz 3f
1:  lock inc dword ptr ss:[{nmi_count}]
    iretd
2:  push eax
    mov eax, esp
    shr eax, 16                         # stacks are 64 KiB apart, downwards from
    not al                              # 0xf0000000: this is the CPU's number
    cmp al, ss:[{panicking}]
    pop eax
    je 1b                               # from the watchdog, on the CPU that reports
    lock inc dword ptr ss:[{stopped}]
4:  cli
    hlt
    jmp 4b
3:  push 0
    push {general_protection}
    pushfd                              # go on by iret, which lets NMIs in again
    push {kernel_code}
    .byte 0x68                          # push, of a word
    .long elsewhere
    iretd

# The first entry into user mode, or into idling, of a CPU that came up.
.globl first_exit
first_exit:
    mov eax, ecx
    mov esp, edx                        # the frame's place
    jmp leave
