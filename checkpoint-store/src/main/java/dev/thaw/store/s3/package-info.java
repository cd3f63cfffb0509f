/** A remote store on S3 and what speaks its protocol. The only package that uses the AWS SDK, which is on the class path of those who need it alone. */
@NullMarked
package dev.thaw.store.s3;

import org.jspecify.annotations.NullMarked;
