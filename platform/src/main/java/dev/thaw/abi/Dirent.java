package dev.thaw.abi;

/** Directory entry types ({@code linux/fs_types.h}). */
public final class Dirent {
    // spotless:off
    public static final int DT_UNKNOWN = 0x0;
    public static final int DT_FIFO    = 0x1;
    public static final int DT_CHR     = 0x2;
    public static final int DT_DIR     = 0x4;
    public static final int DT_BLK     = 0x6;
    public static final int DT_REG     = 0x8;
    public static final int DT_LNK     = 0xa;
    public static final int DT_SOCK    = 0xc;
    public static final int DT_WHT     = 0xe;
    // spotless:on

    private Dirent() {}
}
