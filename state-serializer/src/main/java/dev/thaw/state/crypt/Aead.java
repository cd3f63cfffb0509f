package dev.thaw.state.crypt;

import java.security.GeneralSecurityException;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** AES-256-GCM. Safe for many threads. */
public interface Aead {
    int KEY = 32;
    int NONCE = 12;
    int TAG = 16;

    /** Encrypts the first {@code length} bytes of {@code in} and writes as many and the tag to {@code out} from {@code at} on. */
    void seal(byte[] key, byte[] nonce, byte[] data, byte[] in, int length, byte[] out, int at);

    /** Decrypts {@code length} bytes (tag included) of {@code in} from {@code at} on to {@code out}; false when they are not what {@link #seal} made. */
    boolean open(byte[] key, byte[] nonce, byte[] data, byte[] in, int at, int length, byte[] out);

    /** The JDK's: slow until it is compiled, and it reads the JDK's policy files when first used. */
    static Aead ofJdk() {
        return new Aead() {
            @Override
            public void seal(
                    byte[] key,
                    byte[] nonce,
                    byte[] data,
                    byte[] in,
                    int length,
                    byte[] out,
                    int at) {
                try {
                    cipher(Cipher.ENCRYPT_MODE, key, nonce, data).doFinal(in, 0, length, out, at);
                } catch (GeneralSecurityException e) {
                    throw new AssertionError(e);
                }
            }

            @Override
            public boolean open(
                    byte[] key,
                    byte[] nonce,
                    byte[] data,
                    byte[] in,
                    int at,
                    int length,
                    byte[] out) {
                try {
                    cipher(Cipher.DECRYPT_MODE, key, nonce, data).doFinal(in, at, length, out, 0);
                    return true;
                } catch (AEADBadTagException e) {
                    return false;
                } catch (GeneralSecurityException e) {
                    throw new AssertionError(e);
                }
            }

            private static Cipher cipher(int mode, byte[] key, byte[] nonce, byte[] data)
                    throws GeneralSecurityException {
                Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
                cipher.init(
                        mode,
                        new SecretKeySpec(key, "AES"),
                        new GCMParameterSpec(TAG * Byte.SIZE, nonce));
                cipher.updateAAD(data);
                return cipher;
            }
        };
    }
}
