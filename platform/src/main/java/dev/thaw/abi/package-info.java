/**
 * The Linux ABI of x86-64 as data: numbers, flags and struct layouts, named as in the uapi headers. Depends on nothing.
 */
@NullMarked
package dev.thaw.abi;

import org.jspecify.annotations.NullMarked;
