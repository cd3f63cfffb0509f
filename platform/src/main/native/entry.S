/*
 * The stub's entry points: process start, the manager thread's loop, a guest thread's start, the return from a signal.
 */
#include "stub_abi.h"

        .section .abi, "ax"
        jmp     entry_call

        .text
/* Stores a register in the context (rbx) if it is not there yet. */
        .macro  KEEP register, offset
        cmp     %\register, \offset(%rbx)
        je      1f
        mov     %\register, \offset(%rbx)
1:
        .endm

/* A patched call site: rcx is the address to return to, r11 is free, GS base is the context. */
entry_call:
        mov     %rsp, %r11
        rdgsbase %rsp
        lea     CTX_ALT_STACK(%rsp), %rsp
        pushfq
        push    %rbx
        lea     16-CTX_ALT_STACK(%rsp), %rbx
        cld
        KEEP    rbp, CTX_RBP
        KEEP    r12, CTX_R12
        KEEP    r13, CTX_R13
        KEEP    r14, CTX_R14
        KEEP    r15, CTX_R15
        KEEP    rdx, CTX_RDX
        KEEP    r10, CTX_R10
        KEEP    r8, CTX_R8
        KEEP    r9, CTX_R9
        pop     %rdx
        KEEP    rdx, CTX_RBX
        pop     %rdx
        KEEP    rdx, CTX_R11
        KEEP    rdx, CTX_EFLAGS
        rdfsbase %r12
        KEEP    r12, CTX_FS_BASE
        mov     %r11, CTX_RSP(%rbx)
        mov     %rcx, CTX_RIP(%rbx)
        mov     %rcx, CTX_RCX(%rbx)
        mov     %rax, CTX_RAX(%rbx)
        mov     %rdi, CTX_RDI(%rbx)
        mov     %rsi, CTX_RSI(%rbx)
        movl    $KIND_CALL, CTX_KIND(%rbx)
.Lstop:
        mov     %rbx, %rdi
        call    patched_stop
        mov     CTX_FS_BASE(%rbx), %rdx
        cmp     %rdx, %r12
        je      leave_start
        mov     %rdx, %r12
        wrfsbase %rdx
        /*
         * From here to leave_end a signal finds all of the guest's state in the context, and is taken as if the guest had been reached. An interrupt
         * that came before has left a mark.
         */
        .globl leave_start
leave_start:
        cmpl    $0, CTX_PENDING(%rbx)
        jne     .Lpending
        pushq   CTX_EFLAGS(%rbx)
        mov     CTX_RCX(%rbx), %rcx
        mov     CTX_RAX(%rbx), %rax
        mov     CTX_RDI(%rbx), %rdi
        mov     CTX_RSI(%rbx), %rsi
        mov     CTX_RDX(%rbx), %rdx
        mov     CTX_R10(%rbx), %r10
        mov     CTX_R8(%rbx), %r8
        mov     CTX_R9(%rbx), %r9
        mov     CTX_R11(%rbx), %r11
        mov     CTX_RBP(%rbx), %rbp
        mov     CTX_R12(%rbx), %r12
        mov     CTX_R13(%rbx), %r13
        mov     CTX_R14(%rbx), %r14
        mov     CTX_R15(%rbx), %r15
        popfq
        mov     CTX_RSP(%rbx), %rsp
        mov     CTX_RBX(%rbx), %rbx
        jmp     *%gs:CTX_RIP
        .globl leave_end
leave_end:
        ud2
.Lpending:
        movl    $0, CTX_PENDING(%rbx)
        movl    $KIND_INTERRUPT, CTX_KIND(%rbx)
        jmp     .Lstop

        .globl _start
_start:
        mov     %rsp, %rdi
        lea     server_stack_top(%rip), %rsp
        xor     %ebp, %ebp
        call    server_main
        ud2

/*
 * The manager thread executes commands of the Sentry, and nothing else ever. It keeps all its state in registers and reads commands from a page
 * that this process can not write, so that guest code, which can write everything else here, has no hold on it.
 */
        .globl manager_loop
manager_loop:
        movabs  $CTL_BASE, %r13
        movabs  $RES_BASE, %r14
        xor     %r12d, %r12d
.Lnext:
        mov     CTL_SPIN(%r13), %ebx
.Lpoll:
        cmp     %r12d, CTL_SEQ(%r13)
        jne     .Lcommand
        sub     $1, %ebx
        jle     .Lsleep
        pause
        jmp     .Lpoll
.Lsleep:
        mov     $202, %eax
        lea     CTL_SEQ(%r13), %rdi
        xor     %esi, %esi
        mov     %r12d, %edx
        xor     %r10d, %r10d
        syscall
        jmp     .Lnext
.Lcommand:
        mov     %r12d, %ebp
        and     $(RING_COUNT - 1), %ebp
        mov     %ebp, %r15d
        shl     $6, %rbp
        lea     CTL_RING(%r13,%rbp), %rbp
        mov     0(%rbp), %rax
        mov     8(%rbp), %rdi
        mov     16(%rbp), %rsi
        mov     24(%rbp), %rdx
        mov     32(%rbp), %r10
        mov     40(%rbp), %r8
        mov     48(%rbp), %r9
        syscall
        cmpq    $56, 0(%rbp)
        jne     .Ldone
        test    %rax, %rax
        jz      thread_start
.Ldone:
        mov     %rax, RES_RING(%r14,%r15,8)
        cmpl    $0, CMD_MEMORY(%rbp)
        je      .Lreport
        cmp     $-4096, %rax
        jbe     .Lreport
        /* What the Sentry wanted changed must not stay as it was: unmap the range, or else everything, or else end. */
        mov     $11, %eax
        mov     8(%rbp), %rdi
        mov     16(%rbp), %rsi
        syscall
        test    %rax, %rax
        jz      .Lreport
        mov     $11, %eax
        mov     $0x10000, %edi
        movabs  $(STUB_BASE - 0x10000), %rsi
        syscall
        test    %rax, %rax
        jz      .Lreport
        mov     $231, %eax
        syscall
.Lreport:
        inc     %r12d
        cmp     %r12d, CTL_SEQ(%r13)
        jne     .Lcommand
        mov     $18, %eax
        mov     CTL_FD(%r13), %rdi
        lea     CMD_SEQ(%rbp), %rsi
        mov     $4, %edx
        mov     CTL_SELF(%r13), %r10
        syscall
        cmpl    $0, CTL_WAITER(%r13)
        je      .Lnext
        mov     $202, %eax
        lea     CTL_DONE(%r13), %rdi
        mov     $1, %esi
        mov     $0x7fffffff, %edx
        syscall
        jmp     .Lnext

/* A new guest thread: rsp is the end of the first page of its context. */
thread_start:
        lea     -CTX_ALT_STACK(%rsp), %rdi
        mov     %rdi, %rbx
        xor     %ebp, %ebp
        call    thread_setup
        /* The first stop: the Sentry sets all registers in the signal frame and never comes back here. */
        int3
        ud2

        .globl restorer
restorer:
        mov     $15, %eax
        syscall
        ud2

        .section .note.GNU-stack,"",@progbits
