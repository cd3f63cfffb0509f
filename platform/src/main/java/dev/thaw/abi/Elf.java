package dev.thaw.abi;

/** ELF constants ({@code linux/elf.h}). */
public final class Elf {
    // spotless:off
    public static final int ET_NONE         = 0x0;
    public static final int PT_NULL         = 0x0;
    public static final int ELFDATA2LSB     = 0x1;
    public static final int ET_REL          = 0x1;
    public static final int PF_X            = 0x1;
    public static final int PT_LOAD         = 0x1;
    public static final int ELFCLASS64      = 0x2;
    public static final int ET_EXEC         = 0x2;
    public static final int PF_W            = 0x2;
    public static final int PT_DYNAMIC      = 0x2;
    public static final int ET_DYN          = 0x3;
    public static final int PT_INTERP       = 0x3;
    public static final int EI_CLASS        = 0x4;
    public static final int ET_CORE         = 0x4;
    public static final int PF_R            = 0x4;
    public static final int PT_NOTE         = 0x4;
    public static final int EI_DATA         = 0x5;
    public static final int EI_VERSION      = 0x6;
    public static final int PT_PHDR         = 0x6;
    public static final int EI_OSABI        = 0x7;
    public static final int PT_TLS          = 0x7;
    public static final int EM_X86_64       = 0x3e;
    public static final int PT_GNU_STACK    = 0x6474e551;
    public static final int PT_GNU_RELRO    = 0x6474e552;
    public static final int PT_GNU_PROPERTY = 0x6474e553;
    // spotless:on

    private Elf() {}
}
